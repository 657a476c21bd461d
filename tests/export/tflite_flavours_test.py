"""Tests of TFLite files."""

import functools
import tempfile
import unittest

import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils
import tensorflow_model_optimization as tfmot

from tests.export import trained_models
from tff_hidenseek.export import agreement
from tff_hidenseek.export import flatbuffer_rewrites
from tff_hidenseek.export import folding
from tff_hidenseek.export import formats
from tff_hidenseek.export import tflite_flavours

_LOSSLESS = ('float32', 'float16', 'ternary', 'sparse')


def _folded(name='pooled_cnn', **changes):
  return folding.fold_model(trained_models.train_on_digits(name, **changes))


def _predict(file, images):
  with tempfile.NamedTemporaryFile(suffix='.tflite') as model_file:
    model_file.write(file)
    model_file.flush()
    name = 'tflite_float32'  # All flavours are read alike.
    return formats.FORMATS[name].read(model_file.name)(images)


def _convert(name, model):
  """Returns a file that passed its gate, and its agreement."""
  digits = trained_models.load_digits()
  flavour = tflite_flavours.FLAVOURS[name]
  file = flavour.convert(model, digits.train_x[:100])
  expected = model.predict(digits.test_x, verbose=0)
  logits = _predict(file, digits.test_x)
  return file, agreement.check(name, logits, expected, flavour.bounds)


@functools.lru_cache()
def _file(name):
  return _convert(name, _folded())


class FlavoursTest(unittest.TestCase):

  def test_every_flavour_agrees_with_keras(self):
    for name, flavour in tflite_flavours.FLAVOURS.items():
      with self.subTest(name):
        result = _file(name)[1]
        self.assertGreaterEqual(
            result.agreement, flavour.bounds.min_agreement
        )
        labels = trained_models.load_digits().test_y
        self.assertGreater(result.accuracy(labels), 0.8)

  def test_logits_of_lossless_flavours_are_those_of_keras(self):
    for name in _LOSSLESS:
      with self.subTest(name):
        self.assertLess(_file(name)[1].max_logit_error, 1e-5)

  def test_sizes_are_in_order(self):
    size = {name: len(_file(name)[0]) for name in tflite_flavours.FLAVOURS}
    self.assertLess(size['float16'], 0.6 * size['float32'])
    self.assertLess(size['ternary'], 0.35 * size['float32'])
    self.assertLess(size['int8_int4'], 0.7 * size['int8'])

  def test_mlp_and_valid_convolutions_convert(self):
    for model in ('mlp', 'cnn'):
      for name in ('ternary', 'int8_int4'):
        with self.subTest(f'{model} {name}'):
          self.assertTrue(_convert(name, _folded(model))[0])

  def test_group_normalisation_converts(self):
    inputs = tf.keras.Input([8, 8, 1])
    x = tf.keras.layers.Conv2D(32, 3, strides=2, padding='same')(inputs)
    x = tf.keras.layers.GroupNormalization(8, center=False, scale=False)(x)
    y = tf.keras.layers.Conv2D(32, 3, padding='same')(x)
    x = tf.keras.layers.ReLU()(tf.keras.layers.Add()([x, y]))
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(10)(x))
    for name in ('float32', 'ternary', 'dynamic'):
      with self.subTest(name):
        self.assertGreaterEqual(_convert(name, model)[1].agreement, 0.99)

  def test_gaussian_kernels_convert(self):
    model = _folded('lenet', kernel_distribution='gaussian')
    for name in ('float16', 'ternary', 'dynamic'):
      with self.subTest(name):
        self.assertTrue(_convert(name, model)[0])

  def test_mask_of_tfmot_converts_after_stripping(self):
    model = tfmot.sparsity.keras.strip_pruning(_folded('mlp'))
    self.assertTrue(_convert('ternary', model)[0])


class RewriteTest(unittest.TestCase):

  def test_signs_are_stored_once_as_bytes(self):
    tables = flatbuffer_utils.convert_bytearray_to_object(
        bytearray(_file('ternary')[0])
    )
    sizes = sorted(
        len(buffer.data) for buffer in tables.buffers if buffer.data is not None
    )
    kernels = [
        layer.kernel.shape.num_elements()
        for layer in _folded().layers
        if hasattr(layer, 'kernel')
    ]
    self.assertEqual(sizes[-len(kernels) :], sorted(kernels))

  def test_layer_with_several_magnitudes_stays_as_it_is(self):
    inputs = tf.keras.Input([6])
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(5)(inputs))
    kernel = np.arange(30, dtype=np.float32).reshape(6, 5)
    model.set_weights([kernel, np.zeros(5)])
    file = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    logits = _predict(
        flatbuffer_rewrites.store_signs_as_int8(file),
        np.eye(6, dtype=np.float32),
    )
    np.testing.assert_array_equal(logits, kernel)


if __name__ == '__main__':
  unittest.main()
