import os
import tempfile
import unittest

import numpy as np

from tests.experiments import tiny_experiment
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import client_files


def setUpModule():
  tiny_experiment.set_context()


class ClientFilesTest(unittest.TestCase):

  def test_reads_what_was_written(self):
    x = np.arange(8, dtype=np.float32).reshape([2, 2, 2, 1])
    client = client_data.make_client_data(x, [3, 1], 5)
    with tempfile.TemporaryDirectory() as folder:
      client_files.write_client_file(folder, 'train_5', client)
      self.assertEqual(os.listdir(folder), ['train_5.tfexample'])
      read = client_files.build_client_reader(folder, [2, 2, 1])('train_5')
    np.testing.assert_array_equal(read['x'], x)
    np.testing.assert_array_equal(read['y'], [3, 1])
    self.assertEqual(read['client_id'], 5)

  def test_reads_a_cohort_in_the_order_of_the_names(self):
    x = np.arange(24, dtype=np.float32).reshape([6, 2, 2, 1])
    with tempfile.TemporaryDirectory() as folder:
      for client_id, share in enumerate([slice(0, 1), slice(1, 4)]):
        client_files.write_client_file(
            folder,
            f'train_{client_id}',
            client_data.make_client_data(
                x[share], np.arange(6)[share], client_id
            ),
        )
      read = client_files.build_cohort_reader(folder, [2, 2, 1])(
          ['train_1', 'train_0']
      )
    np.testing.assert_array_equal(read['x'], x[[1, 2, 3, 0]])
    np.testing.assert_array_equal(read['y'], [1, 2, 3, 0])
    np.testing.assert_array_equal(read['first'], [0, 3])
    np.testing.assert_array_equal(read['size'], [3, 1])
    np.testing.assert_array_equal(read['client_id'], [1, 0])

  def test_finds_the_missing_file_in_a_message(self):
    read_client = client_files.build_client_reader('/nonexistent', [2, 2, 1])
    with self.assertRaises(Exception) as raised:
      read_client('train_5')
    self.assertEqual(
        client_files.find_missing_file(str(raised.exception)),
        '/nonexistent/train_5.tfexample',
    )

  def test_finds_no_missing_file_in_another_message(self):
    self.assertIsNone(client_files.find_missing_file('x.tfexample is damaged'))


if __name__ == '__main__':
  unittest.main()
