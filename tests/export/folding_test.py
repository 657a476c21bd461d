"""Tests of folding."""

import math
import os
import tempfile
import unittest

import numpy as np
import tensorflow as tf

from tests.export import trained_models
from tff_hidenseek.export import folding
from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense
from tff_hidenseek.models import architectures
from tff_hidenseek.models import layer_sets

_SHAPES = {
    'small_cnn': (16, 16, 1),
    'vgg16': (32, 32, 3),
    'resnet18': (16, 16, 3),
}


def _images(shape, num_images=4):
  rng = np.random.default_rng(0)
  return rng.random([num_images, *shape], np.float32)


def _build_with_random_weights(name, shape):
  """Returns a model that keeps every seventh weight."""
  architecture = trained_models.make_architecture(name, shape)
  num_kept = {
      layer: -(-math.prod(kernel_shape) // 7)
      for layer, kernel_shape in architecture.kernel_shapes().items()
  }
  model = architecture.build(layer_sets.SignMaskedLayers(num_kept))
  rng = np.random.default_rng(0)
  for layer, size in num_kept.items():
    positions = 7 * np.arange(size, dtype=np.int32)
    model.get_layer(layer).set_frozen(
        positions, rng.random(size, np.float32), rng.random(size) - 0.5
    )
  return model


class FoldingTest(unittest.TestCase):

  def test_outputs_of_every_model_are_equal(self):
    for name in architectures.MODELS:
      with self.subTest(name):
        shape = _SHAPES.get(name, (8, 8, 1))
        model = _build_with_random_weights(name, shape)
        images = _images(shape)
        logits = model(images)
        self.assertTrue(np.any(logits))
        np.testing.assert_array_equal(
            folding.fold_model(model)(images), logits
        )

  def test_result_has_only_layers_of_keras(self):
    folded = folding.fold_model(trained_models.train_on_digits('lenet'))
    for layer in folded.layers:
      self.assertIs(type(layer), getattr(tf.keras.layers, type(layer).__name__))

  def test_strides_and_padding_are_kept(self):
    inputs = tf.keras.Input([7, 7, 2])
    conv = sign_masked_conv2d.SignMaskedConv2D(
        4, (3, 2), 20, strides=2, padding='same'
    )
    dense = sign_masked_dense.SignMaskedDense(3, 30)
    x = tf.keras.layers.Flatten()(conv(inputs))
    model = tf.keras.Model(inputs, dense(x))
    for layer in (conv, dense):
      kept = np.arange(layer.num_kept, dtype=np.int32)
      layer.set_frozen(kept, np.linspace(-1, 1, kept.size, dtype=np.float32))
    images = _images([7, 7, 2])
    np.testing.assert_array_equal(
        folding.fold_model(model)(images), model(images)
    )

  def test_a_personal_model_becomes_one_of_keras_with_the_same_outputs(self):
    personal = trained_models.make_personal(
        trained_models.train_on_digits('mlp')
    )
    folded = folding.fold_model(personal)
    for layer in folded.layers:
      self.assertIs(type(layer), getattr(tf.keras.layers, type(layer).__name__))
    images = trained_models.load_digits().test_x
    np.testing.assert_array_equal(folded(images), personal(images))
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.keras')
      folded.save(path)
      with tf.keras.utils.custom_object_scope({}):
        loaded = tf.keras.models.load_model(path)
    np.testing.assert_array_equal(loaded(images), personal(images))

  def test_folded_model_loads_without_this_package(self):
    model = trained_models.train_on_digits('mlp')
    images = trained_models.load_digits().test_x
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.keras')
      folding.fold_model(model).save(path)
      with tf.keras.utils.custom_object_scope({}):
        loaded = tf.keras.models.load_model(path)
    np.testing.assert_array_equal(loaded(images), model(images))


if __name__ == '__main__':
  unittest.main()
