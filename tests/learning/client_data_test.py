import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import client_data


class ClientDataTypeTest(tf.test.TestCase):

  def test_images_and_labels_are_as_many_as_a_client_has(self):
    data_type = client_data.client_data_type((2, 3, 1))
    self.assertEqual(
        data_type['x'], tff.TensorType(np.float32, [None, 2, 3, 1])
    )
    self.assertEqual(data_type['y'], tff.TensorType(np.int32, [None]))
    self.assertEqual(data_type['client_id'], tff.TensorType(np.int32))


class MakeClientDataTest(tf.test.TestCase):

  def test_casts_to_the_types_of_the_computations(self):
    data = client_data.make_client_data(
        np.zeros([2, 1, 1, 1]), np.array([1, 0], np.uint8), 5
    )
    self.assertEqual(list(data), ['x', 'y', 'client_id'])
    self.assertEqual(data['x'].dtype, tf.float32)
    self.assertEqual(data['y'].dtype, tf.int32)
    self.assertAllEqual(data['client_id'], 5)

  def test_raises_on_pixels_that_are_not_scaled(self):
    for dtype in (np.uint8, np.int64, bool):
      with self.assertRaisesRegex(
          ValueError, f'`x` must hold floats, .* found {np.dtype(dtype)} for '
          'client 5: divide bytes by 255'
      ):
        client_data.make_client_data(np.ones([2, 1, 1, 1], dtype), [1, 0], 5)

  def test_raises_on_pixels_that_are_not_finite(self):
    for value in (np.nan, np.inf):
      with self.assertRaisesRegex(ValueError, '`x` must hold finite numbers'):
        client_data.make_client_data(np.full([2, 1, 1, 1], value), [1, 0], 5)

  def test_raises_on_an_empty_client(self):
    with self.assertRaisesRegex(
        ValueError, 'at least one example, found client 5 with none'
    ):
      client_data.make_client_data(np.zeros([0, 1, 1, 1]), np.zeros([0]), 5)

  def test_raises_on_labels_that_are_not_as_many_as_images(self):
    with self.assertRaisesRegex(
        ValueError, 'same length, found 2 and 1 for client 5'
    ):
      client_data.make_client_data(np.zeros([2, 1, 1, 1]), np.zeros([1]), 5)


class FromDatasetTest(tf.test.TestCase):

  def _dataset(self, size):
    x = np.arange(size, dtype=np.float32).reshape(-1, 1, 1, 1)
    return tf.data.Dataset.from_tensor_slices((x, np.arange(size)))

  def test_reads_all_pairs_in_order(self):
    data = client_data.from_dataset(self._dataset(3), 7)
    self.assertAllEqual(data['x'][:, 0, 0, 0], [0, 1, 2])
    self.assertAllEqual(data['y'], [0, 1, 2])
    self.assertAllEqual(data['client_id'], 7)

  def test_reads_no_more_than_it_is_told(self):
    data = client_data.from_dataset(self._dataset(3), 7, size=2)
    self.assertAllEqual(data['y'], [0, 1])

  def test_raises_on_an_empty_dataset(self):
    with self.assertRaisesRegex(ValueError, 'found client 7 with none'):
      client_data.from_dataset(self._dataset(0), 7)


if __name__ == '__main__':
  tf.test.main()
