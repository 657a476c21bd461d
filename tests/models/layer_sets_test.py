"""Tests for layer_sets."""

import numpy as np
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import layer_sets


def _build_kernels(seed):
  model = architectures.build_mlp(
      [10, 10, 1], 300, layer_sets.DenseLayers(initializer_seed=seed)
  )
  return [
      layer.kernel.numpy() for layer in layer_sets.prunable_layers(model)
  ]


class DenseLayersTest(tf.test.TestCase):

  def test_kernels_are_zero_without_a_seed(self):
    for kernel in _build_kernels(None):
      self.assertAllEqual(kernel, np.zeros_like(kernel))

  def test_the_same_seed_gives_the_same_bits(self):
    for kernel, again in zip(_build_kernels(5), _build_kernels(5)):
      self.assertAllEqual(kernel, again)

  def test_another_seed_or_layer_gives_other_numbers(self):
    flat = np.concatenate(
        [kernel.ravel() for seed in (5, 6) for kernel in _build_kernels(seed)]
    )
    # A stream used twice would give equal numbers, up to the scale of a layer.
    largest = np.sort(np.abs(flat))[-100:]
    self.assertLen(np.unique(largest), 100)

  def test_kernels_have_variance_two_over_fan_in(self):
    for kernel in _build_kernels(5):
      self.assertAllClose(
          kernel.var() * kernel.shape[0], 2, rtol=0.05, atol=0
      )


class SignMaskedLayersTest(tf.test.TestCase):

  def test_each_layer_keeps_its_own_number_of_weights(self):
    num_kept = {'dense1': 5, 'dense2': 6, 'logits': 7}
    model = architectures.build_mlp(
        [8, 8, 1], 10, layer_sets.SignMaskedLayers(num_kept)
    )
    for layer in layer_sets.prunable_layers(model):
      self.assertEqual(layer.num_kept, num_kept[layer.name])


class SaliencyLayersTest(tf.test.TestCase):

  def test_a_model_computes_in_float64_without_normalisation(self):
    model = architectures.build_resnet18(
        [8, 8, 3], 10, layer_sets.SaliencyLayers()
    )
    for layer in layer_sets.prunable_layers(model):
      layer.kernel.assign(0.1 * tf.ones_like(layer.kernel))
    once = model(tf.ones([1, 8, 8, 3], tf.float64))
    self.assertEqual(once.dtype, tf.float64)
    twice = model(2 * tf.ones([1, 8, 8, 3], tf.float64))
    self.assertAllClose(twice, 2 * once, rtol=1e-12, atol=0)


if __name__ == '__main__':
  tf.test.main()
