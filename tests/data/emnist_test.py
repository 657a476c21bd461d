import lzma
import os
import sqlite3
import tempfile
import unittest
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.data import datasets
from tff_hidenseek.data import emnist


def _example(label, pixel):
  """Serialises an example whose pixels all are `pixel`."""
  return tf.train.Example(features=tf.train.Features(feature={
      'label': tf.train.Feature(
          int64_list=tf.train.Int64List(value=[label])),
      'pixels': tf.train.Feature(
          float_list=tf.train.FloatList(value=[pixel] * 784)),
  })).SerializeToString()


# By writer: (label, pixel) of each example.
_TRAIN = {'w2': [(61, 1.), (5, .75)], 'w1': [(0, .5)], 'w3': [(3, 0.)] * 3}
_TEST = {'w3': [(1, 1.)], 'w1': [(2, .25)]}


class _FakeClientData:

  def __init__(self, clients):
    self._clients = clients

  @property
  def client_ids(self):
    return list(self._clients)

  def create_tf_dataset_for_client(self, client_id):
    return tf.data.Dataset.from_tensor_slices(
        [_example(*example) for example in self._clients[client_id]])


class ReadClientDataTest(unittest.TestCase):

  def test_numbers_the_writers_by_name(self):
    arrays = emnist.read_client_data(
        _FakeClientData(_TRAIN), _FakeClientData(_TEST))
    np.testing.assert_array_equal(arrays['writers'], [0, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(arrays['y_train'], [0, 61, 5, 3, 3, 3])
    np.testing.assert_array_equal(arrays['y_test'], [2, 1])

  def test_makes_the_background_zero(self):
    arrays = emnist.read_client_data(
        _FakeClientData(_TRAIN), _FakeClientData(_TEST))
    self.assertEqual(arrays['x_train'].shape, (6, 28, 28))
    np.testing.assert_array_equal(
        arrays['x_train'][:, 27, 27], [.5, 0, .25, 1, 1, 1])
    np.testing.assert_array_equal(arrays['x_test'][:, 0, 5], [.75, 0])

  def test_reads_the_first_writers_alone(self):
    arrays = emnist.read_client_data(
        _FakeClientData(_TRAIN), _FakeClientData(_TEST), max_writers=2)
    np.testing.assert_array_equal(arrays['writers'], [0, 1, 1])
    np.testing.assert_array_equal(arrays['y_test'], [2])


class LoadTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name
    self.path = os.path.join(self.folder, 'emnist_all.sqlite')

  def _write_database(self):
    connection = sqlite3.connect(self.path)
    connection.execute(
        'CREATE TABLE examples (split_name TEXT, client_id TEXT, '
        'serialized_example_proto BLOB)')
    connection.execute(
        'CREATE TABLE client_metadata (client_id TEXT, split_name TEXT, '
        'num_examples INTEGER)')
    for split, clients in (('all_train', _TRAIN), ('all_test', _TEST)):
      for client_id, examples in clients.items():
        connection.execute(
            'INSERT INTO client_metadata VALUES (?, ?, ?)',
            (client_id, split, len(examples)))
        connection.executemany(
            'INSERT INTO examples VALUES (?, ?, ?)',
            [(split, client_id, _example(*example)) for example in examples])
    connection.commit()
    connection.close()

  def _compress_database(self):
    with open(self.path, 'rb') as f:
      content = lzma.compress(f.read())
    os.remove(self.path)
    return content

  def test_reads_tffs_database(self):
    self._write_database()
    dataset = datasets.load_dataset('emnist', self.folder)
    self.assertEqual(dataset.train_x.shape, (6, 28, 28, 1))
    self.assertEqual(dataset.num_classes, 62)
    np.testing.assert_array_equal(dataset.train_y, [0, 61, 5, 3, 3, 3])
    np.testing.assert_array_equal(dataset.writers, [0, 1, 1, 2, 2, 2])

  def test_reads_some_writers(self):
    self._write_database()
    dataset = datasets.load_dataset('emnist:1', self.folder)
    np.testing.assert_array_equal(dataset.train_y, [0])

  def test_decompresses_a_file_put_there_by_hand(self):
    self._write_database()
    with open(self.path + '.lzma', 'wb') as f:
      f.write(self._compress_database())
    dataset = datasets.load_dataset('emnist', self.folder)
    self.assertEqual(len(dataset.train_x), 6)

  def test_raises_on_a_cut_compressed_file_and_leaves_nothing(self):
    self._write_database()
    with open(self.path + '.lzma', 'wb') as f:
      f.write(self._compress_database()[:-100])
    with self.assertRaisesRegex(
        ValueError, 'emnist_all.sqlite.lzma: must be a complete LZMA file'):
      datasets.load_dataset('emnist', self.folder)
    self.assertEqual(os.listdir(self.folder), ['emnist_all.sqlite.lzma'])

  def test_raises_on_a_damaged_database(self):
    self._write_database()
    with open(self.path, 'rb') as f:
      content = f.read()
    for damaged in (b'', b'text' * 99, content[:9000]):
      with open(self.path, 'wb') as f:
        f.write(damaged)
      with self.assertRaisesRegex(
          ValueError, 'emnist_all.sqlite: must be the SQLite file'):
        datasets.load_dataset('emnist', self.folder)

  def test_raises_on_a_number_of_writers_below_one(self):
    for argument in ('0', '-3', 'all', ''):
      with self.assertRaisesRegex(
          ValueError, f"`emnist:MAX_WRITERS` .* found '{argument}'"):
        datasets.load_dataset(f'emnist:{argument}', self.folder)

  def test_says_which_file_goes_where_if_the_download_fails(self):
    def interrupted(only_digits, cache_dir):
      del only_digits
      with open(os.path.join(cache_dir, 'emnist_all.sqlite'), 'wb') as f:
        f.write(b'half')
      raise OSError('no network')

    with mock.patch.object(
        tff.simulation.datasets.emnist, 'load_data', interrupted):
      with self.assertRaisesRegex(
          FileNotFoundError, r'cannot be downloaded \(no network\). Put '
          rf'emnist_all.sqlite or emnist_all.sqlite.lzma into {self.folder}'):
        datasets.load_dataset('emnist', self.folder)
    self.assertEqual(os.listdir(self.folder), [])

  def test_keeps_what_is_downloaded(self):
    self._write_database()
    content = self._compress_database()

    def download(only_digits, cache_dir):
      del only_digits
      with open(os.path.join(cache_dir, 'emnist_all.sqlite'), 'wb') as f:
        f.write(lzma.decompress(content))

    with mock.patch.object(
        tff.simulation.datasets.emnist, 'load_data', download):
      dataset = datasets.load_dataset('emnist', self.folder)
    self.assertEqual(len(dataset.train_x), 6)
    self.assertEqual(os.listdir(self.folder), ['emnist_all.sqlite'])


if __name__ == '__main__':
  unittest.main()
