"""Tests of the table of formats."""

import os
import tempfile
import unittest
from unittest import mock

import attrs
import numpy as np
import tensorflow as tf

from tests.export import trained_models
from tff_hidenseek.export import agreement
from tff_hidenseek.export import file_description
from tff_hidenseek.export import folding
from tff_hidenseek.export import formats
from tff_hidenseek.export import serving
from tff_hidenseek.models import layer_sets

_IMAGES = slice(0, 200)
_OF_PERSONAL_MODELS = (
    'keras',
    'saved_model',
    'ticket',
    'tflite_float32',
    'tflite_float16',
    'tflite_ternary',
    'tflite_ternary2',
    'tflite_sparse',
)


def _source(model, architecture_name, network_options):
  return formats.Source(
      model=model,
      calibration_images=trained_models.load_digits().train_x[:50],
      architecture=trained_models.make_architecture(architecture_name),
      network_options=network_options,
      ticket_mask='embedded',
      batch_size=8,
      description={'class_names': [f'class {i}' for i in range(10)]},
  )


def _mlp():
  model = trained_models.train_on_digits('mlp')
  return _source(model, 'mlp', trained_models.make_options())


def _export(name, source, folder):
  images = trained_models.load_digits().test_x[_IMAGES]
  expected = source.model.predict(images, verbose=0)
  return formats.export(name, source, folder, images, expected)


class FormatsTest(unittest.TestCase):

  def test_every_format_gives_its_file_and_nothing_else(self):
    for name, form in formats.FORMATS.items():
      with self.subTest(name), tempfile.TemporaryDirectory() as folder:
        _export(name, _mlp(), folder)
        self.assertEqual(os.listdir(folder), [form.file_name])

  def test_a_client_s_own_model_has_formats_that_give_its_classes(self):
    personal = trained_models.make_personal(
        trained_models.train_on_digits('mlp')
    )
    source = _source(personal, 'mlp', trained_models.make_options())
    classes = personal(trained_models.load_digits().test_x[_IMAGES])
    classes = classes.numpy().argmax(axis=1)
    self.assertEqual(set(classes), {3, 7})
    for name in _OF_PERSONAL_MODELS:
      with self.subTest(name), tempfile.TemporaryDirectory() as folder:
        result = _export(name, source, folder)
        self.assertEqual(list(result.classes), list(classes))

  def test_a_client_s_own_model_cannot_train_on_a_device(self):
    personal = trained_models.make_personal(
        trained_models.train_on_digits('mlp')
    )
    source = _source(personal, 'mlp', trained_models.make_options())
    with tempfile.TemporaryDirectory() as folder:
      with self.assertRaisesRegex(ValueError, "found layer 'class_prior'"):
        _export('tflite_trainable', source, folder)
      self.assertEqual(os.listdir(folder), [])

  def test_file_that_is_there_is_replaced(self):
    for name in ('keras', 'saved_model'):
      with self.subTest(name), tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
          _export(name, _mlp(), folder)
        self.assertEqual(os.listdir(folder), [formats.FORMATS[name].file_name])

  def test_file_that_disagrees_leaves_the_old_one(self):
    other = folding.fold_model(trained_models.train_on_digits('mlp', 1))
    for name in ('keras', 'tflite_int8'):
      form = formats.FORMATS[name]

      def write_other(source, path, form=form):
        wrong = mock.Mock(
            folded=other,
            calibration_images=source.calibration_images,
            description=source.description,
        )
        form.write(wrong, path)

      with self.subTest(name), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, form.file_name)
        with open(path, 'w') as old:
          old.write('old')
        wrong_form = attrs.evolve(form, write=write_other)
        with mock.patch.dict(formats.FORMATS, {name: wrong_form}):
          with self.assertRaisesRegex(agreement.AgreementError, 'no file'):
            _export(name, _mlp(), folder)
        self.assertEqual(os.listdir(folder), [form.file_name])
        with open(path) as old:
          self.assertEqual(old.read(), 'old')

  def test_dense_model_has_no_ticket_and_does_not_train_on_devices(self):
    architecture = trained_models.make_architecture('mlp')
    model = architecture.build(layer_sets.DenseLayers(initializer_seed=0))
    source = _source(model, 'mlp', None)
    with tempfile.TemporaryDirectory() as folder:
      for name in ('ticket', 'tflite_trainable'):
        with self.assertRaisesRegex(ValueError, 'must be one of hidenseek'):
          _export(name, source, folder)
      for name in ('tflite_ternary', 'tflite_ternary2', 'tflite_int2'):
        with self.assertRaisesRegex(ValueError, 'weights .* of one magnitude'):
          _export(name, source, folder)
      self.assertEqual(os.listdir(folder), [])
      _export('tflite_float16', source, folder)

  def test_weights_that_are_no_numbers_are_refused_before_any_exporter(self):
    for value, found in ((np.nan, 'nan'), (np.inf, 'inf'), (-np.inf, '-inf')):
      architecture = trained_models.make_architecture('mlp')
      model = architecture.build(layer_sets.DenseLayers(initializer_seed=0))
      layer = model.layers[-1]
      layer.bias.assign([0.0] * 9 + [value])
      with self.assertRaisesRegex(
          ValueError, f'found {found} in `bias` of layer {layer.name!r}'
      ):
        _source(model, 'mlp', None)

  def test_full_disk_is_told_in_a_sentence_and_leaves_the_old_file(self):
    errors = (
        OSError(28, 'No space left on device'),
        tf.errors.ResourceExhaustedError(
            None, None, 'No space left on device\nAt 0x0'
        ),
    )
    for name in ('keras', 'saved_model', 'ticket', 'tflite_float32'):
      form = formats.FORMATS[name]
      for error in errors:

        def write_half(source, path, error=error):
          del source
          with open(path, 'wb') as half:
            half.write(b'half')
          raise error

        full = attrs.evolve(form, write=write_half)
        with self.subTest(name), tempfile.TemporaryDirectory() as folder:
          path = os.path.join(folder, form.file_name)
          with open(path, 'w') as old:
            old.write('old')
          with mock.patch.dict(formats.FORMATS, {name: full}):
            with self.assertRaisesRegex(
                OSError,
                rf'{form.file_name} could not be written, .*'
                r'No space left on device\)\.\Z',
            ):
              _export(name, _mlp(), folder)
          self.assertEqual(os.listdir(folder), [form.file_name])
          with open(path) as old:
            self.assertEqual(old.read(), 'old')

  def test_tflite_files_say_what_they_are(self):
    source = _mlp()
    for name, form in formats.FORMATS.items():
      if not name.startswith('tflite_'):
        continue
      with self.subTest(name), tempfile.TemporaryDirectory() as folder:
        _export(name, source, folder)
        with open(os.path.join(folder, form.file_name), 'rb') as file:
          content = file.read()
      self.assertEqual(file_description.read(content), source.description)
      self.assertEqual(
          file_description.read_labels(content),
          source.description['class_names'],
      )

  def test_saved_model_has_the_signature_of_the_tflite_files(self):
    with tempfile.TemporaryDirectory() as folder:
      _export('saved_model', _mlp(), folder)
      model = tf.saved_model.load(os.path.join(folder, 'saved_model'))
    (name,) = model.signatures
    serve = model.signatures[name]
    self.assertEqual(name, serving.SIGNATURE)
    self.assertEqual(list(serve.structured_outputs), [serving.OUTPUT])
    self.assertEqual(list(serve.structured_input_signature[1]), [serving.INPUT])

  def test_keras_file_is_of_plain_layers(self):
    with tempfile.TemporaryDirectory() as folder:
      _export('keras', _mlp(), folder)
      model = tf.keras.models.load_model(os.path.join(folder, 'model.keras'))
    for layer in model.layers:
      self.assertIs(type(layer), getattr(tf.keras.layers, type(layer).__name__))


if __name__ == '__main__':
  unittest.main()
