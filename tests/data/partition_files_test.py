import os
import tempfile
import unittest
from unittest import mock

import numpy as np

from tff_hidenseek.data import partition_files
from tff_hidenseek.data import partitions

_LABELS = np.arange(90) % 3


class PartitionFilesTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name
    self.path = os.path.join(self.folder, 'partition.npz')

  def _save_arrays(self, **changes):
    """Saves two clients of [2, 0 | 1] and [3 | 4], with changes."""
    arrays = {
        'train_indices': np.array([2, 0, 3]),
        'train_sizes': np.array([2, 1]),
        'test_indices': np.array([1, 4]),
        'test_sizes': np.array([1, 1]),
    }
    arrays.update(changes)
    np.savez(self.path, **arrays)

  def test_loads_what_was_saved(self):
    for name in ('iid', 'shards', 'dirichlet'):
      with self.subTest(name=name):
        saved = partitions.build_partition(name, _LABELS, 7, seed=1)
        partition_files.save_partition(self.path, saved)
        loaded = partition_files.load_partition(self.path, len(_LABELS))
        self.assertEqual(loaded.num_clients, 7)
        for a, b in zip(saved.train_indices + saved.test_indices,
                        loaded.train_indices + loaded.test_indices):
          np.testing.assert_array_equal(a, b)
          self.assertEqual(b.dtype, np.int64)

  def test_cuts_the_indices_by_client(self):
    self._save_arrays()
    loaded = partition_files.load_partition(self.path, 5)
    self.assertEqual([list(i) for i in loaded.train_indices], [[2, 0], [3]])
    self.assertEqual([list(i) for i in loaded.test_indices], [[1], [4]])

  def test_a_failed_write_leaves_the_old_file(self):
    partition = partitions.build_partition('iid', _LABELS, 7, seed=1)
    partition_files.save_partition(self.path, partition)
    with mock.patch.object(np, 'savez_compressed', side_effect=OSError(28)):
      with self.assertRaises(OSError):
        partition_files.save_partition(self.path, partition)
    self.assertEqual(os.listdir(self.folder), ['partition.npz'])
    partition_files.load_partition(self.path, len(_LABELS))

  def test_raises_on_a_missing_file(self):
    with self.assertRaisesRegex(FileNotFoundError, 'partition.npz'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_another_file(self):
    np.savez(self.path, x_train=np.zeros(3))
    with self.assertRaisesRegex(
        ValueError, 'partition.npz: must hold .* missing train_indices'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_a_damaged_file(self):
    self._save_arrays()
    with open(self.path, 'r+b') as f:
      f.truncate(300)
    with self.assertRaisesRegex(ValueError, 'partition.npz: .* damaged'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_an_index_of_another_data_set(self):
    self._save_arrays()
    with self.assertRaisesRegex(ValueError, r'in \[0, 4\), .* found 4'):
      partition_files.load_partition(self.path, 4)

  def test_raises_on_a_negative_index(self):
    self._save_arrays(test_indices=np.array([1, -1]))
    with self.assertRaisesRegex(ValueError, r'in \[0, 5\), .* found -1'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_an_example_in_two_places(self):
    self._save_arrays(test_indices=np.array([1, 2]))
    with self.assertRaisesRegex(ValueError, 'found example 2 in 2'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_an_empty_client(self):
    self._save_arrays(test_sizes=np.array([2, 0]))
    with self.assertRaisesRegex(
        ValueError, 'at least 1 test example, found 0 for client 1'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_sizes_that_do_not_add_up(self):
    self._save_arrays(train_sizes=np.array([2, 2]))
    with self.assertRaisesRegex(
        ValueError, '`train_sizes` must add up to the 3 .* found 4'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_unequal_numbers_of_clients(self):
    self._save_arrays(test_sizes=np.array([2]))
    with self.assertRaisesRegex(
        ValueError, '`test_sizes` must .* 2 clients, found 1'):
      partition_files.load_partition(self.path, 5)

  def test_raises_on_arrays_of_another_kind(self):
    for array in (np.zeros(3), np.zeros((1, 3), int), np.zeros(0, int)):
      self._save_arrays(train_indices=array)
      with self.assertRaisesRegex(
          ValueError, r'`train_indices` must be integers of shape \[n\]'):
        partition_files.load_partition(self.path, 5)


if __name__ == '__main__':
  unittest.main()
