"""The examples run, and do what they say."""

import base64
import contextlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot

from tests.export import trained_models
from tff_hidenseek.export import folding
from tools import sources

_EXAMPLES = os.path.join(sources.ROOT, 'examples')


def _load_module(name):
  """Imports an example; the folder is no package."""
  path = os.path.join(_EXAMPLES, f'{name}.py')
  spec = importlib.util.spec_from_file_location(name, path)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def _run_program(text):
  """Returns what a program prints, run in a process of its own."""
  return subprocess.run(
      [sys.executable, '-c', text], cwd=sources.ROOT, text=True, check=True,
      env={**os.environ, 'MPLBACKEND': 'Agg'}, stdout=subprocess.PIPE).stdout


def _without_random_names(native_form):
  return re.sub(r'_[a-z]{3}(\d+)|(?<=comp#)\w+', r'_\1', native_form)


class NotebookTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    path = os.path.join(_EXAMPLES, 'own_tff_program.ipynb')
    with open(path, encoding='utf-8') as file:
      cls.cells = json.load(file)['cells']
    cls.code = [c for c in cls.cells if c['cell_type'] == 'code']

  def test_has_ten_cells_and_small_pictures(self):
    self.assertEqual(len(self.cells), 10)
    pictures = [
        base64.b64decode(output['data']['image/png'])
        for cell in self.code
        for output in cell['outputs']
        if 'data' in output
    ]
    self.assertEqual(len(pictures), 3)
    for picture in pictures:
      self.assertTrue(picture.startswith(b'\x89PNG'))
    self.assertLess(sum(map(len, pictures)), 200_000)

  def test_its_cells_run_and_print_what_is_committed(self):
    sources_of_cells = [''.join(cell['source']) for cell in self.code]
    marker = '--- next cell'
    program = f'\nprint({marker!r})\n'.join(sources_of_cells)
    printed = _run_program(program).split(marker + '\n')
    for cell, text in zip(self.code, printed, strict=True):
      committed = ''.join(
          ''.join(output.get('text', '')) for output in cell['outputs']
      )
      # Accuracies and flips depend on how a processor rounds.
      self.assertEqual(
          re.sub(r'\d+', 'N', text), re.sub(r'\d+', 'N', committed)
      )
    accuracy = float(
        re.search(r'global model: ([\d.]+)', ''.join(printed)).group(1)
    )
    self.assertGreater(accuracy, 0.7)


class RuntimePageTest(unittest.TestCase):

  def test_the_program_prints_what_the_page_says(self):
    page = os.path.join(sources.ROOT, 'docs', 'runtime.md')
    with open(page, encoding='utf-8') as file:
      program, printed = re.search(
          r'```python\n(.*?)```.*?```\n(.*?)```', file.read(), re.DOTALL
      ).groups()
    self.assertEqual(
        _without_random_names(_run_program(program)),
        _without_random_names(printed),
    )


class TfmotRecipeTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    self._recipe = _load_module('tfmot_recipe')
    self._digits = trained_models.load_digits()
    self._folded = folding.fold_model(trained_models.train_on_digits('lenet'))
    self._wrapped = self._recipe.wrap_with_masks(self._folded)

  def test_stripping_gives_the_folded_model_back(self):
    stripped = tfmot.sparsity.keras.strip_pruning(self._wrapped)
    images = self._digits.test_x
    for model in (self._wrapped, stripped):
      np.testing.assert_array_equal(model(images), self._folded(images))

  def test_training_keeps_the_mask(self):
    self._wrapped.compile(
        'sgd', tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    self._wrapped.fit(
        self._digits.train_x[:64],
        self._digits.train_y[:64],
        verbose=0,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
    )
    trained = tfmot.sparsity.keras.strip_pruning(self._wrapped)
    for layer in self._folded.layers:
      if hasattr(layer, 'kernel'):
        kernel = trained.get_layer(layer.name).kernel.numpy()
        self.assertFalse(np.array_equal(kernel, layer.kernel))
        self.assertFalse(kernel[layer.kernel.numpy() == 0].any())

  def test_sign_masked_layers_are_accepted_by_tfmot(self):
    model = trained_models.train_on_digits('lenet')
    wrapper = tfmot.sparsity.keras.prune_low_magnitude(
        model.get_layer('conv1'), self._recipe.NeverPrune()
    )
    self.assertIs(wrapper.layer, model.get_layer('conv1'))

  def test_the_program_trains_a_saved_model_and_keeps_as_many_weights(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.keras')
      trained_models.train_on_digits('lenet').save(path)
      with contextlib.redirect_stdout(io.StringIO()) as printed:
        self._recipe.main(path)
    before, after = re.findall(
        r'accuracy ([\d.]+), ([\d,]+) of', printed.getvalue()
    )
    self.assertEqual(before[1], after[1])
    self.assertGreater(float(after[0]), 0.5)


if __name__ == '__main__':
  unittest.main()
