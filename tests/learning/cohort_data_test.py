import numpy as np
import tensorflow as tf

from tests.learning import tiny_task
from tff_hidenseek.learning import cohort_data


class CohortDataTest(tf.test.TestCase):

  def test_a_client_is_what_it_was_before(self):
    clients = tiny_task.make_clients(5, 1, 3)
    cohort = cohort_data.make_cohort(clients)
    for place, client in enumerate(clients):
      taken = cohort_data.take_client(cohort, tf.constant(place))
      self.assertAllEqual(taken['x'], client['x'])
      self.assertAllEqual(taken['y'], client['y'])
      self.assertEqual(taken['client_id'], client['client_id'])

  def test_cohorts_of_a_pool_share_its_images(self):
    x = np.zeros((6, *tiny_task.INPUT_SHAPE), np.float32)
    pool = cohort_data.Pool(x, np.arange(6, dtype=np.int32), [1, 3, 2])
    first, second = pool.select([2, 0], [7, 8]), pool.select([1], [9])
    self.assertIs(first['x'], second['x'])
    labels = [
        cohort_data.take_client(first, tf.constant(place))['y']
        for place in range(2)
    ]
    self.assertAllEqual(labels[0], [4, 5])
    self.assertAllEqual(labels[1], [0])
    self.assertAllEqual(first['client_id'], [7, 8])

  def test_a_copy_holds_the_examples_of_its_clients_alone(self):
    x = np.arange(54, dtype=np.float32).reshape(6, *tiny_task.INPUT_SHAPE)
    pool = cohort_data.Pool(x, np.arange(6, dtype=np.int32), [1, 3, 2])
    copied = pool.select([2, 0], [7, 8], copy=True)
    self.assertAllEqual(copied['x'], x[[4, 5, 0]])
    for place, labels in enumerate([[4, 5], [0]]):
      taken = cohort_data.take_client(copied, tf.constant(place))
      self.assertAllEqual(taken['y'], labels)
      self.assertEqual(taken['client_id'], [7, 8][place])

  def test_knows_the_size_that_all_clients_have(self):
    x = np.zeros((6, *tiny_task.INPUT_SHAPE), np.float32)
    y = np.zeros(6, np.int32)
    self.assertEqual(cohort_data.Pool(x, y, [2, 2, 2]).common_size, 2)
    self.assertIsNone(cohort_data.Pool(x, y, [1, 3, 2]).common_size)

  def test_clients_without_examples_are_refused(self):
    x = np.zeros((2, *tiny_task.INPUT_SHAPE), np.float32)
    with self.assertRaisesRegex(ValueError, 'at least one example.*client 1'):
      cohort_data.Pool(x, np.zeros(2, np.int32), [2, 0])

  def test_sizes_that_do_not_add_up_are_refused(self):
    x = np.zeros((2, *tiny_task.INPUT_SHAPE), np.float32)
    with self.assertRaisesRegex(ValueError, 'add up.*found 3 for 2 images'):
      cohort_data.Pool(x, np.zeros(2, np.int32), [2, 1])

  def test_images_that_are_not_finite_are_refused(self):
    x = np.full((2, *tiny_task.INPUT_SHAPE), np.nan, np.float32)
    with self.assertRaisesRegex(ValueError, 'finite'):
      cohort_data.Pool(x, np.zeros(2, np.int32), [2])


if __name__ == '__main__':
  tf.test.main()
