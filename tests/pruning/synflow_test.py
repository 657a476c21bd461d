"""Tests for synflow."""

import hashlib
import subprocess
import sys

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import layer_sets
from tff_hidenseek.pruning import random_kernels
from tff_hidenseek.pruning import synflow

# Prints a digest of a mask, computed with as many threads as it is told.
_PRINT_DIGEST = """
import sys
import tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
from tests.pruning import synflow_test
print(synflow_test.compute_digest())
"""


def _build_model(build_model, input_shape):
  """Builds a model for saliencies, and its random kernels."""
  model = build_model(input_shape, 10, layer_sets.SaliencyLayers())
  shapes = {
      layer.name: layer.kernel.shape
      for layer in layer_sets.prunable_layers(model)
  }
  return model, random_kernels.draw_kernels(shapes, 0, 'ternary')


def _build_chain(*kernels):
  """Builds a model of dense layers with the given kernels."""
  inputs = tf.keras.Input([1, kernels[0].shape[0]], dtype='float64')
  x = tf.keras.layers.Flatten(dtype='float64')(inputs)
  layer_set = layer_sets.SaliencyLayers()
  for index, kernel in enumerate(kernels):
    x = layer_set.dense(kernel.shape[1], name=f'dense{index}')(x)
  named = {f'dense{index}': kernel for index, kernel in enumerate(kernels)}
  return tf.keras.Model(inputs, x), named


def compute_digest():
  """Hashes the mask of a small net."""
  model, kernels = _build_model(architectures.build_pooled_cnn, [28, 28, 1])
  masks = synflow.build_synflow_mask(
      model, kernels, 0.05, seed=0, num_iterations=10
  )
  packed = b''.join(np.packbits(mask).tobytes() for mask in masks.values())
  return hashlib.sha256(packed).hexdigest()


class SaliencyTest(tf.test.TestCase, parameterized.TestCase):

  def test_equals_hand_computed_flows(self):
    model, kernels = _build_chain(
        np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0], [6.0]])
    )
    for name, kernel in kernels.items():
      model.get_layer(name).kernel.assign(kernel)
    first, second = synflow.build_saliency_fn(model, kernels)()
    # The hidden units carry 1 + 3 = 4 and 2 + 4 = 6, so R = 20 + 36.
    self.assertAllEqual(first, [[5, 12], [15, 24]])
    self.assertAllEqual(second, [[20], [36]])

  @parameterized.parameters(
      (architectures.build_mlp, [8, 8, 1]),
      (architectures.build_lenet, [8, 8, 1]),
      (architectures.build_cnn, [12, 12, 1]),
      (architectures.build_vgg16, [32, 32, 3]),
  )
  def test_of_each_layer_sum_to_the_flow(self, build_model, input_shape):
    model, kernels = _build_model(build_model, input_shape)
    for name, kernel in kernels.items():
      model.get_layer(name).kernel.assign(np.abs(kernel))
    ones = tf.ones([1, *input_shape], tf.float64)
    flow = float(tf.reduce_sum(model(ones)))
    saliencies = synflow.build_saliency_fn(model, kernels)()
    self.assertLen(saliencies, len(kernels))
    for saliency in saliencies:
      self.assertAllClose(tf.reduce_sum(saliency), flow, rtol=1e-12)

  def test_of_parallel_branches_sum_to_the_flow(self):
    model, kernels = _build_model(architectures.build_resnet18, [8, 8, 3])
    for name, kernel in kernels.items():
      model.get_layer(name).kernel.assign(np.abs(kernel))
    saliencies = synflow.build_saliency_fn(model, kernels)()
    sums = {
        name: float(tf.reduce_sum(saliency))
        for name, saliency in zip(kernels, saliencies)
    }
    flow = float(tf.reduce_sum(model(tf.ones([1, 8, 8, 3], tf.float64))))
    branches = ('stage2_block1_shortcut', 'stage2_block1_conv2')
    for parts in (['stem'], branches, ['logits']):
      total = sum(sums[name] for name in parts)
      self.assertAllClose(total, flow, rtol=1e-12)
    # What the identity carries past a block is missing in its convolutions.
    self.assertLess(sums['stage1_block1_conv1'], flow)

  def test_are_finite_at_a_flow_of_1e248(self):
    kernels = [np.full([1, 1], 1e8)] * 31
    model, kernels = _build_chain(*kernels)
    for name, kernel in kernels.items():
      model.get_layer(name).kernel.assign(kernel)
    for saliency in synflow.build_saliency_fn(model, kernels)():
      self.assertAllClose(saliency / 1e248, [[1]], rtol=1e-12)


class BuildSynflowMaskTest(tf.test.TestCase, parameterized.TestCase):

  def test_prunes_the_weaker_path(self):
    model, kernels = _build_chain(
        np.array([[0.5, -0.4]]), np.array([[-0.3], [0.2]])
    )
    masks = synflow.build_synflow_mask(
        model, kernels, 0.5, seed=0, num_iterations=1
    )
    self.assertAllEqual(masks['dense0'], [[True, False]])
    self.assertAllEqual(masks['dense1'], [[True], [False]])

  def test_weights_of_one_path_tie_and_the_first_is_kept(self):
    rng = np.random.default_rng(0)
    for _ in range(50):
      weak, strong = rng.uniform(0, 1, 3), rng.uniform(2, 3, 3)
      model, kernels = _build_chain(
          np.array([[strong[0], weak[0]]]),
          np.diag([strong[1], weak[1]]),
          np.array([[strong[2]], [weak[2]]]),
      )
      masks = synflow.build_synflow_mask(
          model, kernels, 0.5, seed=0, num_iterations=1
      )
      self.assertAllEqual(masks['dense0'], [[True, True]])
      self.assertAllEqual(masks['dense1'], [[True, False], [False, False]])

  @parameterized.parameters(
      (0.1, 1), (0.1, 7), (0.03, 20), (0.50001, 3), (1.0, 2)
  )
  def test_keeps_exactly_the_rounded_number(self, density, num_iterations):
    model, kernels = _build_model(architectures.build_cnn, [8, 8, 1])
    masks = synflow.build_synflow_mask(
        model, kernels, density, seed=0, num_iterations=num_iterations
    )
    self.assertEqual(list(masks), list(kernels))
    for name, mask in masks.items():
      self.assertEqual(mask.shape, kernels[name].shape)
      self.assertEqual(mask.dtype, bool)
    self.assertEqual(
        sum(np.count_nonzero(mask) for mask in masks.values()),
        round(density * 52_768),
    )

  def test_does_not_depend_on_the_scale_of_a_layer(self):
    model, kernels = _build_model(architectures.build_pooled_cnn, [8, 8, 1])
    def mask_of(kernels):
      return synflow.build_synflow_mask(
          model, kernels, 0.05, seed=0, num_iterations=10
      )

    expected = mask_of(kernels)
    for factor, name in enumerate(kernels, start=3):
      kernels[name] = kernels[name] * factor
    for name, mask in mask_of(kernels).items():
      self.assertAllEqual(mask, expected[name])

  def test_depends_on_the_magnitudes_but_not_on_the_signs(self):
    model, kernels = _build_model(architectures.build_cnn, [8, 8, 1])
    def mask_of(kernels):
      return synflow.build_synflow_mask(
          model, kernels, 0.1, seed=0, num_iterations=5
      )

    expected = mask_of(kernels)
    unsigned = {name: np.abs(kernel) for name, kernel in kernels.items()}
    others = random_kernels.draw_kernels(
        {name: kernel.shape for name, kernel in kernels.items()}, 1, 'ternary'
    )
    for name, mask in mask_of(unsigned).items():
      self.assertAllEqual(mask, expected[name])
    for name, mask in mask_of(others).items():
      self.assertNotAllEqual(mask, expected[name])

  def test_constant_magnitudes_prune_whole_units_in_order(self):
    # The trap: saliencies tie, so the mask knows nothing but indices.
    model, kernels = _build_chain(np.ones([4, 4]), np.ones([4, 4]))
    masks = synflow.build_synflow_mask(
        model, kernels, 0.75, seed=0, num_iterations=1
    )
    self.assertAllEqual(masks['dense0'], np.ones([4, 4]))
    self.assertAllEqual(masks['dense1'].ravel(), [True] * 8 + [False] * 8)

  def test_leaves_every_layer_of_a_residual_net_some_weights(self):
    model, kernels = _build_model(architectures.build_resnet18, [8, 8, 3])
    masks = synflow.build_synflow_mask(
        model, kernels, 0.05, seed=0, num_iterations=10
    )
    self.assertEqual(
        sum(np.count_nonzero(mask) for mask in masks.values()),
        round(0.05 * 11_164_352),
    )

  def test_raises_on_an_emptied_layer_and_names_it(self):
    model, kernels = _build_model(architectures.build_cnn, [8, 8, 1])
    with self.assertRaisesRegex(
        ValueError,
        'density 0.001 in 1 iteration.* no weight in: conv2, dense1, logits. '
        'Use more pruning iterations .* or a higher density',
    ):
      synflow.build_synflow_mask(
          model, kernels, 0.001, seed=0, num_iterations=1
      )

  def test_is_the_same_with_one_and_two_threads(self):
    digests = [
        subprocess.run(
            [sys.executable, '-c', _PRINT_DIGEST, str(num_threads)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for num_threads in (1, 2)
    ]
    self.assertLen(digests[0], 64)
    self.assertEqual(digests[0], digests[1])


if __name__ == '__main__':
  tf.test.main()
