import collections

import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_work


class NumBytesTest(tf.test.TestCase):

  def test_counts_elements_times_their_size(self):
    structure = collections.OrderedDict(
        votes=tf.zeros([3], tf.uint8),
        rest=(tf.zeros([2, 5]), tf.constant(7, tf.int64)),
    )
    size = client_work.num_bytes(structure)
    self.assertEqual(size.dtype, tf.int64)
    self.assertAllEqual(size, 3 + 40 + 8)

  def test_nothing_is_zero_bytes(self):
    self.assertAllEqual(client_work.num_bytes(()), 0)

  def test_counts_what_is_known_only_at_run_time(self):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def count(payload):
      return client_work.num_bytes([payload])

    for length in (0, 1, 9):
      self.assertAllEqual(count(np.zeros(length, np.float32)), 4 * length)


if __name__ == '__main__':
  tf.test.main()
