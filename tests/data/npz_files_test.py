import os
import tempfile
import unittest

import numpy as np

from tff_hidenseek.data import datasets
from tff_hidenseek.data import npz_files
from tff_hidenseek.data import partitions

_ARRAYS = {
    'x_train': np.arange(24, dtype=np.uint8).reshape(4, 3, 2),
    'y_train': np.array([0, 1, 0, 1]),
    'x_test': np.zeros((2, 3, 2), np.uint8),
    'y_test': np.array([1, 0]),
}


class NpzFilesTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.path = os.path.join(folder.name, 'mine.npz')

  def test_loads_by_path(self):
    np.savez(self.path, **_ARRAYS)
    dataset = datasets.load_dataset(f'npz:{self.path}')
    self.assertEqual(dataset.name, f'npz:{self.path}')
    np.testing.assert_allclose(
        dataset.train_x[..., 0], _ARRAYS['x_train'] / 255., rtol=1e-6)
    np.testing.assert_array_equal(dataset.test_y, [1, 0])
    self.assertEqual(dataset.num_classes, 2)

  def test_loads_a_relative_path_from_the_data_folder(self):
    np.savez_compressed(self.path, **_ARRAYS)
    dataset = datasets.load_dataset('npz:mine.npz', os.path.dirname(self.path))
    self.assertEqual(dataset.image_shape, (3, 2, 1))

  def test_loads_the_writers(self):
    np.savez(self.path, **_ARRAYS, writers_train=np.array(list('baab')))
    dataset = datasets.load_dataset(f'npz:{self.path}')
    np.testing.assert_array_equal(dataset.writers, [1, 0, 0, 1])
    partition = partitions.build_partition(
        'natural', dataset.train_y, 2, seed=0, writers=dataset.writers)
    for client_id, examples in enumerate([[1, 2], [0, 3]]):
      self.assertCountEqual(
          np.concatenate([partition.train_indices[client_id],
                          partition.test_indices[client_id]]), examples)

  def test_has_no_writers_by_default(self):
    np.savez(self.path, **_ARRAYS)
    self.assertIsNone(datasets.load_dataset(f'npz:{self.path}').writers)

  def test_raises_on_a_missing_file(self):
    with self.assertRaisesRegex(FileNotFoundError, 'mine.npz: .* no file'):
      datasets.load_dataset(f'npz:{self.path}')

  def test_names_the_missing_keys_and_those_found(self):
    np.savez(self.path, x_train=_ARRAYS['x_train'], labels=np.zeros(4))
    with self.assertRaisesRegex(
        ValueError, 'must hold the arrays x_train, y_train, x_test, y_test; '
        'found labels, x_train; missing y_train, x_test, y_test'):
      datasets.load_dataset(f'npz:{self.path}')

  def test_examples_under_other_names_are_not_passed_over(self):
    np.savez(self.path, x_val=_ARRAYS['x_test'], notes=np.zeros(2), **_ARRAYS)
    with self.assertRaisesRegex(
        ValueError, 'in x_train, y_train, x_test, y_test alone, found x_val:'):
      datasets.load_dataset(f'npz:{self.path}')

  def test_never_unpickles(self):
    np.savez(self.path, **{**_ARRAYS, 'y_train': np.array([0, 1, None, {}])})
    with self.assertRaisesRegex(
        ValueError, '`y_train` .* found Python objects, which are never'):
      datasets.load_dataset(f'npz:{self.path}')

  def test_raises_on_another_kind_of_file(self):
    for content in (b'', b'not a zip', b'\x93NUMPY' + bytes(100)):
      with self.subTest(content=content[:9]):
        with open(self.path, 'wb') as f:
          f.write(content)
        with self.assertRaisesRegex(ValueError, 'mine.npz: must be a complete'):
          datasets.load_dataset(f'npz:{self.path}')

  def test_raises_on_a_file_cut_anywhere(self):
    np.savez(self.path, **_ARRAYS)
    with open(self.path, 'rb') as f:
      content = f.read()
    for size in range(0, len(content), 97):
      with open(self.path, 'wb') as f:
        f.write(content[:size])
      with self.assertRaisesRegex(ValueError, 'mine.npz: must be a complete'):
        datasets.load_dataset(f'npz:{self.path}')

  def test_a_flipped_byte_gives_the_same_arrays_or_a_clear_error(self):
    for save in (np.savez, np.savez_compressed):
      save(self.path, **_ARRAYS)
      with open(self.path, 'rb') as f:
        content = bytearray(f.read())
      for position in range(0, len(content), 7):
        content[position] ^= 0x55
        with open(self.path, 'wb') as f:
          f.write(content)
        content[position] ^= 0x55
        try:
          arrays = npz_files.read_arrays(self.path, npz_files.KEYS)
        except ValueError as e:
          self.assertRegex(str(e), 'mine.npz: .*must')
        else:
          for key, array in _ARRAYS.items():
            np.testing.assert_array_equal(arrays[key], array)


if __name__ == '__main__':
  unittest.main()
