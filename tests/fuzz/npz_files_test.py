"""Npz files of any content: a data set as it must be, or a sentence."""

import os
import shutil
import tempfile
import warnings

from absl.testing import absltest
from hypothesis import strategies as st
import numpy as np

from tests.fuzz import data_checks
from tests.fuzz import inputs
from tests.fuzz import npz_contents
from tff_hidenseek.data import data_summary
from tff_hidenseek.data import datasets


@st.composite
def _arrays(draw):
  """Draws the arrays of a good file."""
  num_train, num_test = draw(st.integers(2, 9)), draw(st.integers(1, 4))
  shape = draw(st.sampled_from([
      (2, 3), (4, 4, 1), (2, 2, 3), (3, 6, 5), (1, 6, 5), (1, 1, 1), (5, 5, 2),
      (3, 3, 3), (4, 6, 6), (2, 6, 6),
  ]))
  rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
  labels = rng.integers(0, 3, num_train)
  labels[:2] = 0, 1
  labels *= draw(st.sampled_from([1, 1, 1, 7]))
  arrays = dict(
      x_train=rng.integers(0, 256, (num_train, *shape), np.uint8),
      y_train=labels,
      x_test=rng.integers(0, 256, (num_test, *shape), np.uint8),
      y_test=rng.choice(labels, num_test),
  )
  if draw(st.booleans()):
    arrays['writers_train'] = rng.integers(0, 3, num_train)
  return arrays


class NpzFilesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)
    self._path = os.path.join(self._folder, 'own.npz')

  @inputs.fuzz('npz_files', _arrays().flatmap(npz_contents.npz_contents))
  def test_npz_files(self, content):
    with open(self._path, 'wb') as file:
      file.write(content)
    with warnings.catch_warnings():
      warnings.simplefilter('error', RuntimeWarning)
      dataset = inputs.result_or_sentence(
          lambda: datasets.load_dataset('npz:own.npz', self._folder),
          'npz:own.npz',
          self._path,
      )
    self.assertEmpty(npz_contents.UNPICKLED)
    if dataset is not None:
      data_checks.check_dataset(self, dataset)
      self.assertTrue(data_summary.describe(dataset))

  def test_labels_of_two_types_are_not_confused(self):
    images = np.zeros((2, 1, 1), np.uint8)
    np.savez(
        self._path, x_train=images, y_train=np.array([0, 2**53]),
        x_test=images, y_test=np.array([0, 2**53 + 1], np.uint64),
    )
    with self.assertRaisesRegex(ValueError, f'`y_test` .* found {2**53 + 1}'):
      datasets.load_dataset('npz:own.npz', self._folder)


if __name__ == '__main__':
  absltest.main()
