"""Tests of labels of one data set as those of another."""

from absl.testing import absltest
import numpy as np

from tff_hidenseek.data import class_mapping
from tff_hidenseek.data import image_dataset


def _load(class_names=None, num_classes=3):
  labels = np.arange(num_classes)
  images = np.zeros((num_classes, 3, 2), np.uint8)
  return image_dataset.from_arrays(
      'mine', images, labels, images, labels[::-1], num_classes,
      class_names=class_names)


def _map(dataset, class_names, image_shape=(3, 2, 1)):
  return class_mapping.map_classes(dataset, image_shape, class_names)


class MapClassesTest(absltest.TestCase):

  def test_the_same_classes_stay(self):
    dataset = _load(['a', 'b', 'c'])
    mapped, sentence = _map(dataset, ['a', 'b', 'c'])
    self.assertIs(mapped, dataset)
    self.assertIsNone(sentence)

  def test_classes_in_another_order_are_found_by_name(self):
    mapped, sentence = _map(_load(['a', 'b', 'c']), ['c', 'a', 'b'])
    np.testing.assert_array_equal(mapped.train_y, [1, 2, 0])
    np.testing.assert_array_equal(mapped.test_y, [0, 2, 1])
    self.assertEqual(mapped.train_y.dtype, np.int32)
    self.assertEqual(mapped.class_names, ('c', 'a', 'b'))
    self.assertIn('in another order, a, b, c:', sentence)

  def test_fewer_classes_are_found_by_name(self):
    mapped, sentence = _map(_load(['a', 'b'], 2), ['b', 'c', 'a'])
    np.testing.assert_array_equal(mapped.train_y, [2, 0])
    self.assertEqual(mapped.num_classes, 3)
    self.assertEqual(sentence, 'mine has no examples of c.')

  def test_labels_that_are_numbers_are_found_by_name_too(self):
    mapped, _ = _map(_load(['3', '7'], 2), [str(i) for i in range(10)])
    np.testing.assert_array_equal(mapped.train_y, [3, 7])

  def test_numbers_stand_for_as_many_names(self):
    for found, wanted in (
        (['0', '1', '2'], ['a', 'b', 'c']), (['a', 'b', 'c'], ['0', '1', '2'])):
      mapped, sentence = _map(_load(found), wanted)
      np.testing.assert_array_equal(mapped.train_y, [0, 1, 2])
      self.assertEqual(mapped.class_names, tuple(wanted))
      self.assertIn(f'taken for {", ".join(wanted)} in this order', sentence)

  def test_raises_on_an_unknown_class(self):
    with self.assertRaisesRegex(
        ValueError, 'must have classes among a, b, x, found c in mine'):
      _map(_load(['a', 'b', 'c']), ['a', 'b', 'x'])

  def test_raises_on_numbers_that_are_not_as_many(self):
    with self.assertRaisesRegex(
        ValueError, 'must have classes among 0, 1, found 2 in mine'):
      _map(_load(), ['0', '1'])

  def test_raises_on_numbers_that_start_elsewhere(self):
    with self.assertRaisesRegex(
        ValueError, 'must have classes among 0, 1, 2, found 3 in mine'):
      _map(_load(['1', '2', '3']), ['0', '1', '2'])

  def test_raises_on_other_images(self):
    with self.assertRaisesRegex(
        ValueError,
        r'must have images of shape \(28, 28, 1\), found \(3, 2, 1\) in mine'):
      _map(_load(), ['0', '1', '2'], (28, 28, 1))


if __name__ == '__main__':
  absltest.main()
