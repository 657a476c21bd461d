import gzip
import io
import os
import pickle
import struct
import tarfile
import tempfile
import unittest
from unittest import mock

import numpy as np
import tensorflow as tf

from tff_hidenseek.data import archives
from tff_hidenseek.data import datasets

_RNG = np.random.default_rng(0)
_GREY = {
    'x_train': _RNG.integers(256, size=(12, 28, 28), dtype=np.uint8),
    'y_train': np.arange(12, dtype=np.uint8) % 10,
    'x_test': _RNG.integers(256, size=(3, 28, 28), dtype=np.uint8),
    'y_test': np.array([7, 0, 9], np.uint8),
}


class _FolderTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name

  def _assert_holds(self, dataset, arrays):
    """Asserts that a data set holds `arrays`, up to rounding."""
    for split in ('train', 'test'):
      images = getattr(dataset, f'{split}_x')
      np.testing.assert_allclose(
          images, arrays[f'x_{split}'].reshape(images.shape) / 255., rtol=1e-6)
      np.testing.assert_array_equal(
          getattr(dataset, f'{split}_y'), arrays[f'y_{split}'])


def _write_idx(folder, arrays, compress):
  os.makedirs(folder, exist_ok=True)
  for key, name in archives.IDX_FILES.items():
    array = arrays[key]
    content = (
        bytes([0, 0, 8, array.ndim]) +
        struct.pack(f'>{array.ndim}I', *array.shape) + array.tobytes())
    path = os.path.join(folder, name + ('.gz' if compress else ''))
    with open(path, 'wb') as f:
      f.write(gzip.compress(content) if compress else content)


class NpzTest(_FolderTest):

  def test_finds_the_npz_by_name(self):
    for name in ('mnist', 'fashion_mnist'):
      np.savez(os.path.join(self.folder, f'{name}.npz'), **_GREY)
      dataset = datasets.load_dataset(name, self.folder)
      self._assert_holds(dataset, _GREY)
      self.assertEqual((dataset.name, dataset.num_classes), (name, 10))

  def test_takes_keras_column_of_labels(self):
    x = np.zeros((2, 32, 32, 3), np.uint8)
    y = np.array([[3], [99]], np.uint8)
    np.savez(os.path.join(self.folder, 'cifar100.npz'),
             x_train=x, y_train=y, x_test=x, y_test=y)
    dataset = datasets.load_dataset('cifar100', self.folder)
    np.testing.assert_array_equal(dataset.train_y, [3, 99])
    self.assertEqual(dataset.num_classes, 100)

  def test_raises_on_a_label_outside_the_classes(self):
    arrays = {**_GREY, 'y_test': np.array([7, 10, 0])}
    np.savez(os.path.join(self.folder, 'mnist.npz'), **arrays)
    with self.assertRaisesRegex(
        ValueError, 'mnist: `y_test` .* number of classes, 10, found 10'):
      datasets.load_dataset('mnist', self.folder)

  def test_raises_on_a_missing_folder(self):
    with self.assertRaisesRegex(
        FileNotFoundError, "`data_dir` must be a folder, found '/no/where'"):
      datasets.load_dataset('mnist', '/no/where')


class IdxTest(_FolderTest):

  def test_reads_plain_and_compressed_files(self):
    for compress in (False, True):
      _write_idx(self.folder, _GREY, compress)
      for name in ('mnist', 'fashion_mnist'):
        self._assert_holds(datasets.load_dataset(name, self.folder), _GREY)

  def test_prefers_the_folder_of_the_data_set(self):
    other = {**_GREY, 'x_train': 255 - _GREY['x_train']}
    _write_idx(self.folder, _GREY, True)
    _write_idx(os.path.join(self.folder, 'fashion_mnist'), other, True)
    self._assert_holds(datasets.load_dataset('mnist', self.folder), _GREY)
    self._assert_holds(
        datasets.load_dataset('fashion_mnist', self.folder), other)

  def test_raises_on_mnist_where_fashion_mnist_is_asked_for(self):
    labels = np.array([5, 0, 4, 1, 9, 2, 1, 3, 1, 4, 3, 5], np.uint8)
    _write_idx(self.folder, {**_GREY, 'y_train': labels}, True)
    datasets.load_dataset('mnist', self.folder)
    with self.assertRaisesRegex(
        ValueError, 'must hold the idx files of fashion_mnist, found those of '
        'mnist; put the right ones into .*/fashion_mnist'):
      datasets.load_dataset('fashion_mnist', self.folder)

  def test_names_missing_files(self):
    _write_idx(self.folder, _GREY, True)
    os.remove(os.path.join(self.folder, 't10k-images-idx3-ubyte.gz'))
    with self.assertRaisesRegex(
        ValueError, 'all four idx files, .* missing t10k-images-idx3-ubyte'):
      datasets.load_dataset('mnist', self.folder)

  def test_raises_on_damaged_files(self):
    for compress in (False, True):
      _write_idx(self.folder, _GREY, compress)
      suffix = '.gz' if compress else ''
      path = os.path.join(self.folder, f'train-images-idx3-ubyte{suffix}')
      with open(path, 'rb') as f:
        content = f.read()
      for damaged in (b'', content[:10], content[:-5], b'junk' + content[4:]):
        with open(path, 'wb') as f:
          f.write(damaged)
        with self.assertRaisesRegex(
            ValueError, f'train-images-idx3-ubyte{suffix}: must '):
          archives.read_idx_folder(self.folder)
      for name in os.listdir(self.folder):
        os.remove(os.path.join(self.folder, name))

  def test_raises_on_labels_in_place_of_images(self):
    _write_idx(self.folder, {**_GREY, 'x_test': _GREY['y_test']}, True)
    with self.assertRaisesRegex(
        ValueError, "t10k-images.* 3 dimensions, .* '00000801'"):
      datasets.load_dataset('mnist', self.folder)


def _write_tar(path, batches):
  with tarfile.open(path, 'w:gz') as archive:
    for name, batch in batches.items():
      # The published files name a function of NumPy as it was before 2.
      content = pickle.dumps(batch, protocol=3).replace(
          b'numpy._core.multiarray', b'numpy.core.multiarray')
      member = tarfile.TarInfo(name)
      member.size = len(content)
      archive.addfile(member, io.BytesIO(content))


def _cifar_batch(first, label_key=b'labels'):
  """A batch of two images whose label and red corner are first, first + 1."""
  pixels = np.zeros((2, 3, 32, 32), np.uint8)
  pixels[:, 0, 0, 31] = [first, first + 1]
  return {b'data': pixels.reshape(2, 3072), label_key: [first, first + 1]}


class CifarTest(_FolderTest):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.folder, 'cifar-10-python.tar.gz')
    self.batches = {
        f'cifar-10-batches-py/data_batch_{i}': _cifar_batch(i - 1)
        for i in (3, 2, 1, 5, 4)
    }
    self.batches['cifar-10-batches-py/test_batch'] = _cifar_batch(8)

  def test_reads_cifar10(self):
    _write_tar(self.path, self.batches)
    dataset = datasets.load_dataset('cifar10', self.folder)
    labels = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    np.testing.assert_array_equal(dataset.train_y, labels)
    np.testing.assert_array_equal(dataset.test_y, [8, 9])
    self.assertEqual(dataset.train_x.shape, (10, 32, 32, 3))
    np.testing.assert_allclose(
        dataset.train_x[:, 0, 31, 0], np.array(labels) / 255., rtol=1e-6)
    np.testing.assert_allclose(dataset.train_x.sum(), 25 / 255., rtol=1e-6)

  def test_reads_cifar100_with_its_fine_labels(self):
    _write_tar(
        os.path.join(self.folder, 'cifar-100-python.tar.gz'), {
            'cifar-100-python/train': _cifar_batch(50, b'fine_labels'),
            'cifar-100-python/test': _cifar_batch(98, b'fine_labels'),
        })
    dataset = datasets.load_dataset('cifar100', self.folder)
    np.testing.assert_array_equal(dataset.train_y, [50, 51])
    np.testing.assert_array_equal(dataset.test_y, [98, 99])

  def test_raises_on_a_missing_batch(self):
    del self.batches['cifar-10-batches-py/data_batch_2']
    _write_tar(self.path, self.batches)
    with self.assertRaisesRegex(
        ValueError, 'must hold the file cifar-10-batches-py/data_batch_2'):
      datasets.load_dataset('cifar10', self.folder)

  def test_raises_on_an_archive_cut_anywhere(self):
    _write_tar(self.path, self.batches)
    with open(self.path, 'rb') as f:
      content = f.read()
    for size in range(0, len(content) - 8, 61):
      with open(self.path, 'wb') as f:
        f.write(content[:size])
      with self.assertRaisesRegex(
          ValueError, 'cifar-10-python.tar.gz: .*must'):
        datasets.load_dataset('cifar10', self.folder)

  def test_raises_on_a_batch_of_another_form(self):
    for batch in ({}, [1], {b'data': np.zeros((2, 7), np.uint8)}):
      self.batches['cifar-10-batches-py/test_batch'] = batch
      _write_tar(self.path, self.batches)
      with self.assertRaisesRegex(
          ValueError, 'test_batch must be a CIFAR batch'):
        datasets.load_dataset('cifar10', self.folder)

  def test_unpickles_nothing_but_arrays(self):
    self.batches['cifar-10-batches-py/test_batch'] = os.getcwd
    _write_tar(self.path, self.batches)
    with self.assertRaisesRegex(ValueError, 'posix.getcwd is not allowed'):
      datasets.load_dataset('cifar10', self.folder)


class DownloadTest(_FolderTest):

  def test_says_which_file_goes_where_if_it_fails(self):
    idx = 'train-images-idx3-ubyte.gz, .*, t10k-labels-idx1-ubyte.gz'
    archive_names = {
        'mnist': idx,
        'fashion_mnist': idx,
        'cifar10': 'cifar-10-python.tar.gz',
        'cifar100': 'cifar-100-python.tar.gz',
    }
    for name, archive_name in archive_names.items():
      for data_dir, place in (
          (self.folder, self.folder), (None, 'a folder .* `data_dir`')):
        with self.subTest(name=name, data_dir=data_dir):
          with mock.patch.object(
              getattr(tf.keras.datasets, name), 'load_data',
              side_effect=Exception('no network')):
            with self.assertRaisesRegex(
                FileNotFoundError, rf'{name} .* cannot be downloaded '
                rf'\(no network\). Put {name}.npz .* or '
                rf'{archive_name} into {place}'):
              datasets.load_dataset(name, data_dir)

  def test_takes_what_keras_downloads(self):
    result = ((_GREY['x_train'], _GREY['y_train']),
              (_GREY['x_test'], _GREY['y_test']))
    with mock.patch.object(
        tf.keras.datasets.mnist, 'load_data', return_value=result):
      self._assert_holds(datasets.load_dataset('mnist', self.folder), _GREY)


if __name__ == '__main__':
  unittest.main()
