"""Tests of TFLite files."""

import functools
import tempfile
import unittest

from ai_edge_litert import compiled_model
import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils
import tensorflow_model_optimization as tfmot

from tests.export import trained_models
from tff_hidenseek.export import agreement
from tff_hidenseek.export import flatbuffer_rewrites
from tff_hidenseek.export import folding
from tff_hidenseek.export import formats
from tff_hidenseek.export import litert
from tff_hidenseek.export import serving
from tff_hidenseek.export import tflite_flavours

_LOSSLESS = ('float32', 'float16', 'ternary', 'ternary2', 'sparse')


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
    for name in ('ternary2', 'int2'):
      self.assertLess(size[name], size['ternary'])

  def test_two_bits_are_at_most_three_tenths_of_eight_in_dense_layers(self):
    inputs = tf.keras.Input([8, 8, 1])
    x = tf.keras.layers.Flatten()(inputs)
    for units in (512, 512, 10):
      x = tf.keras.layers.Dense(units, use_bias=False)(x)
    model = tf.keras.Model(inputs, x)
    rng = np.random.default_rng(0)
    model.set_weights([
        0.0625 * rng.integers(-1, 2, weights.shape)
        for weights in model.get_weights()
    ])
    size = {
        name: len(_convert(name, model)[0])
        for name in ('ternary', 'ternary2', 'int2')
    }
    self.assertLess(size['ternary2'], 0.3 * size['ternary'])
    self.assertLess(size['int2'], 0.3 * size['ternary'])

  def test_every_flavour_has_one_signature_of_the_same_names(self):
    for name in tflite_flavours.FLAVOURS:
      interpreter = litert.open_content(_file(name)[0])
      self.assertEqual(
          interpreter.get_signature_list(),
          {
              serving.SIGNATURE: {
                  'inputs': [serving.INPUT], 'outputs': [serving.OUTPUT],
              }
          },
      )

  def test_a_batch_gives_what_its_images_give_alone(self):
    images = trained_models.load_digits().test_x[:5]
    for name in tflite_flavours.FLAVOURS:
      with self.subTest(name):
        file = _file(name)[0]
        alone = [_predict(file, image[np.newaxis]) for image in images]
        np.testing.assert_allclose(
            _predict(file, images), np.concatenate(alone), rtol=0, atol=1e-5
        )

  def test_a_resized_input_gives_the_same(self):
    images = trained_models.load_digits().test_x[:5]
    for name in tflite_flavours.FLAVOURS:
      with self.subTest(name):
        file = _file(name)[0]
        interpreter = litert.open_content(file)
        index = interpreter.get_input_details()[0]['index']
        interpreter.resize_tensor_input(index, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(index, images)
        interpreter.invoke()
        output = interpreter.get_output_details()[0]['index']
        np.testing.assert_array_equal(
            interpreter.get_tensor(output), _predict(file, images)
        )

  def test_compiled_model_answers_as_the_interpreter_does(self):
    images = trained_models.load_digits().test_x[:5]
    for name in tflite_flavours.FLAVOURS:
      with self.subTest(name):
        file = _file(name)[0]
        compiled = compiled_model.CompiledModel.from_buffer(file)
        compiled.resize_input_tensor(0, images.shape)
        inputs = compiled.create_input_buffers(0)
        outputs = compiled.create_output_buffers(0)
        inputs[0].write(np.ascontiguousarray(images))
        compiled.run_by_index(0, inputs, outputs)
        logits = outputs[0].read(10 * len(images), np.float32)
        np.testing.assert_allclose(
            logits.reshape([-1, 10]), _predict(file, images), atol=1e-5
        )

  def test_mlp_and_valid_convolutions_convert(self):
    for model in ('mlp', 'cnn'):
      for name in ('ternary', 'int2'):
        with self.subTest(f'{model} {name}'):
          self.assertTrue(_convert(name, _folded(model))[0])

  def test_group_normalisation_converts(self):
    inputs = tf.keras.Input([8, 8, 1])
    x = tf.keras.layers.Conv2D(32, 3, strides=2, padding='same')(inputs)
    x = tf.keras.layers.GroupNormalization(8)(x)
    y = tf.keras.layers.Conv2D(32, 3, padding='same')(x)
    x = tf.keras.layers.ReLU()(tf.keras.layers.Add()([x, y]))
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(10)(x))
    rng = np.random.default_rng(0)
    norm = model.layers[2]
    norm.set_weights([rng.random(32) + 0.5, rng.random(32)])
    for name in ('float32', 'dynamic'):
      with self.subTest(name):
        self.assertGreaterEqual(_convert(name, model)[1].agreement, 0.99)

  def test_gaussian_kernels_convert(self):
    model = _folded('lenet', kernel_distribution='gaussian')
    for name in ('float16', 'dynamic'):
      with self.subTest(name):
        self.assertTrue(_convert(name, model)[0])

  def test_flavours_of_signs_refuse_a_model_without_signs(self):
    gaussian = _folded('lenet', kernel_distribution='gaussian')
    for name in ('ternary', 'ternary2', 'int2'):
      with self.assertRaisesRegex(
          ValueError, 'must have a layer whose weights are all of one magnitude'
      ):
        _convert(name, gaussian)

  def test_one_layer_of_signs_is_enough(self):
    inputs = tf.keras.Input([8, 8, 1])
    x = tf.keras.layers.Flatten()(inputs)
    x = tf.keras.layers.Dense(32, name='signs')(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(10)(x))
    rng = np.random.default_rng(0)
    signs = 0.25 * rng.integers(-1, 2, [64, 32])
    model.get_layer('signs').set_weights([signs, np.zeros(32)])
    for name in ('ternary', 'ternary2'):
      self.assertEqual(_convert(name, model)[1].agreement, 1)

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
    file = tflite_flavours.FLAVOURS['float32'].convert(model, None)
    images = np.eye(6, dtype=np.float32)
    for rewritten in (
        flatbuffer_rewrites.store_signs_as_int8(file),
        flatbuffer_rewrites.store_dense_signs_as_int2(file, True),
    ):
      np.testing.assert_array_equal(_predict(rewritten, images), kernel)

  def test_odd_number_of_signs_keeps_their_places(self):
    inputs = tf.keras.Input([3])
    layer = tf.keras.layers.Dense(3, use_bias=False)
    model = tf.keras.Model(inputs, layer(inputs))
    kernel = np.array([[1, -1, 0], [0, 1, 1], [-1, 0, -1]], np.float32)
    model.set_weights([kernel])
    file = tflite_flavours.FLAVOURS['ternary2'].convert(model, None)
    images = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(_predict(file, images), kernel)


if __name__ == '__main__':
  unittest.main()
