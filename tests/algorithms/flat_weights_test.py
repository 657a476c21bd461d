import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import flat_weights


class SpreadTest(tf.test.TestCase):

  def test_undoes_boolean_mask(self):
    is_kept = tf.constant([False, True, True, False, True])
    self.assertAllEqual(
        flat_weights.spread(tf.constant([3.0, -1.0, 2.0]), is_kept),
        [0, 3, -1, 0, 2],
    )

  def test_nothing_kept_is_zeros(self):
    self.assertAllEqual(
        flat_weights.spread(tf.zeros([0]), tf.constant([False, False])), [0, 0]
    )


class FindKthLargestTest(tf.test.TestCase):

  def test_is_that_of_sorting(self):
    big, small = np.finfo(np.float32).max, np.float32(1e-30)
    values = np.float32([2, -1, 0, big, -small, 2, small, -big, -3, 2])
    for k, expected in enumerate(-np.sort(-values), start=1):
      self.assertEqual(
          flat_weights.find_kth_largest(tf.constant(values), k), expected
      )


if __name__ == '__main__':
  tf.test.main()
