"""Tests for masks."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import layer_sets
from tff_hidenseek.pruning import masks
from tff_hidenseek.pruning import random_kernels

_NAMES = list(masks.MASK_FNS)


def _build_masks(name, density=0.1, mask_seed=0, kernel_seed=0, iterations=5):
  model = architectures.build_cnn([8, 8, 1], 10, layer_sets.SaliencyLayers())
  shapes = {
      layer.name: layer.kernel.shape
      for layer in layer_sets.prunable_layers(model)
  }
  kernels = random_kernels.draw_kernels(shapes, kernel_seed, 'ternary')
  return masks.MASK_FNS[name](
      model, kernels, density, seed=mask_seed, num_iterations=iterations
  )


def _flatten(layer_masks):
  return np.concatenate([mask.ravel() for mask in layer_masks.values()])


class EveryMaskTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*_NAMES)
  def test_keeps_exactly_the_rounded_number(self, name):
    for density in (0.1, 0.2345, 1.0):
      kept = _flatten(_build_masks(name, density))
      self.assertEqual(np.count_nonzero(kept), round(density * 52_768))

  @parameterized.parameters(*_NAMES)
  def test_the_same_seeds_give_the_same_mask(self, name):
    self.assertAllEqual(
        _flatten(_build_masks(name)), _flatten(_build_masks(name))
    )

  @parameterized.parameters(*_NAMES)
  def test_depends_on_the_seeds(self, name):
    first = _flatten(_build_masks(name))
    second = _flatten(_build_masks(name, mask_seed=1, kernel_seed=1))
    self.assertNotAllEqual(first, second)

  @parameterized.product(name=_NAMES, density=[0, -0.1, 1.5, float('nan')])
  def test_raises_on_density_out_of_range(self, name, density):
    with self.assertRaisesRegex(
        ValueError, rf'`density` must be in \(0, 1\], found {density}'
    ):
      _build_masks(name, density)

  @parameterized.parameters(*_NAMES)
  def test_raises_on_no_iterations(self, name):
    with self.assertRaisesRegex(
        ValueError, '`num_iterations` must be at least 1, found 0'
    ):
      _build_masks(name, iterations=0)

  @parameterized.parameters(*_NAMES)
  def test_raises_on_an_emptied_layer(self, name):
    with self.assertRaisesRegex(
        ValueError, 'leaves no weight in: .*(conv2|logits)'
    ):
      _build_masks(name, 1e-5)


class ControlsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters('random', 'synflow_shuffled')
  def test_keeps_as_many_weights_a_layer_as_synflow(self, name):
    synflow_masks = _build_masks('synflow')
    for seed in (0, 1):
      control = _build_masks(name, mask_seed=seed)
      for layer, mask in synflow_masks.items():
        self.assertEqual(control[layer].shape, mask.shape)
        self.assertEqual(control[layer].sum(), mask.sum())
      self.assertNotAllEqual(control['dense1'], synflow_masks['dense1'])

  @parameterized.parameters('random', 'synflow_shuffled')
  def test_is_drawn_by_the_seed_of_the_mask(self, name):
    first = _build_masks(name, mask_seed=0)
    second = _build_masks(name, mask_seed=1)
    self.assertNotAllEqual(first['dense1'], second['dense1'])
    # Independent masks of density 0.07 share a tenth of their weights, not all.
    shared = np.mean(first['dense1'][second['dense1']])
    self.assertAllClose(shared, first['dense1'].mean(), atol=0.03)

  def test_magnitude_keeps_the_largest_of_all_layers(self):
    model = architectures.build_cnn([8, 8, 1], 10, layer_sets.SaliencyLayers())
    kernels = {
        layer.name: np.full(layer.kernel.shape, 0.5)
        for layer in layer_sets.prunable_layers(model)
    }
    for kernel in kernels.values():
      kernel.flat[-1] = -2
    kept = masks.MASK_FNS['magnitude'](
        model, kernels, 5 / 52_768, seed=0, num_iterations=1
    )
    self.assertEqual(kept['conv1'].sum(), 2)  # One by the index of its tie.
    self.assertTrue(kept['conv1'].flat[0])
    for mask in kept.values():
      self.assertTrue(mask.flat[-1])


if __name__ == '__main__':
  tf.test.main()
