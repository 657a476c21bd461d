"""What older versions wrote still loads: see old_files/README.md."""

import json
import os
import shutil

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np
import tensorflow as tf

import tff_hidenseek
from tests.binaries import command_runs
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.models import keras_files
from tools import sources

_FOLDER = os.path.join(sources.ROOT, 'tests', 'old_files', 'd69563d')


def _path(name):
  return os.path.join(_FOLDER, name)


def _signs(model):
  return {
      layer.name: layer.kernel_signs.numpy() for layer in model.layers
      if isinstance(layer, sign_masked.SignMaskedLayer)}


class OldFilesTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self.expected = np.load(_path('expected.npz'))

  def assert_same_model(self, model, name):
    logits = model.predict(self.expected['images'], verbose=0)
    np.testing.assert_allclose(
        logits, self.expected[f'{name}_logits'], atol=1e-5)

  def test_a_ticket_gives_the_same_signs_and_logits(self):
    model = tff_hidenseek.load_ticket(_path('cnn.ticket'))
    self.assert_same_model(model, 'ticket')
    signs = _signs(model)
    self.assertLen(signs, 4)
    for name, value in signs.items():
      np.testing.assert_array_equal(
          value, self.expected[f'ticket_{name}_signs'])

  def test_a_keras_file_gives_the_same_signs_and_logits(self):
    model = keras_files.load_keras_model(_path('sign_masked.keras'))
    self.assert_same_model(model, 'sign_masked')
    for name, value in _signs(model).items():
      np.testing.assert_array_equal(
          value, self.expected[f'masked_{name}_signs'])

  def test_a_keras_file_of_plain_layers_gives_the_same_logits(self):
    model = keras_files.load_keras_model(_path('dense.keras'))
    self.assert_same_model(model, 'dense')

  def test_keras_alone_names_the_function_that_loads_it(self):
    with self.assertRaisesRegex(ValueError, 'tff_hidenseek.load_keras_model'):
      tf.keras.models.load_model(_path('sign_masked.keras'))

  def test_a_resumed_run_goes_on_as_it_would_have(self):
    run_dir = os.path.join(self.create_tempdir().full_path, 'run')
    shutil.copytree(_path('run'), run_dir)
    command_runs.run(
        'train', f'--flagfile={run_dir}/config.flags',
        f'--output_dir={run_dir}', '--resume')
    with open(_path('rounds_3_and_4.jsonl'), encoding='utf-8') as file:
      expected = [json.loads(line) for line in file]
    with open(
        os.path.join(run_dir, 'metrics.jsonl'), encoding='utf-8') as file:
      rows = [json.loads(line) for line in file]
    self.assertLen(rows, 4)
    for row, old in zip(rows[2:], expected):
      del row['seconds'], old['seconds']
      self.assertContainsSubset(old.keys(), row.keys())  # There are new ones.
      for name, value in old.items():
        if isinstance(value, float):
          self.assertAlmostEqual(row[name], value, 5, name)
        else:
          self.assertEqual(row[name], value, name)


class LoadKerasModelTest(absltest.TestCase):

  def test_loads_a_file_of_today(self):
    path = os.path.join(self.create_tempdir().full_path, 'model.keras')
    model = tf.keras.Sequential([tf.keras.layers.Dense(2, input_shape=[3])])
    model.save(path)
    loaded = keras_files.load_keras_model(path)
    np.testing.assert_array_equal(
        loaded.get_weights()[0], model.get_weights()[0])

  def test_says_what_is_wrong_with_another_file(self):
    folder = self.create_tempdir()
    missing = os.path.join(folder.full_path, 'missing.keras')
    with self.assertRaisesRegex(ValueError, 'found no file .*missing.keras'):
      keras_files.load_keras_model(missing)
    other = folder.create_file('other.keras', content='text').full_path
    with self.assertRaisesRegex(ValueError, 'found something else'):
      keras_files.load_keras_model(other)


if __name__ == '__main__':
  absltest.main()
