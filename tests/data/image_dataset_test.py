import unittest

import numpy as np

from tff_hidenseek.data import image_dataset


def _load(**changes):
  """Makes a data set of 4 + 2 images of 3 x 2 pixels, with changes."""
  arrays = {
      'x_train': np.zeros((4, 3, 2), np.uint8),
      'y_train': np.array([0, 1, 2, 0]),
      'x_test': np.zeros((2, 3, 2), np.uint8),
      'y_test': np.array([2, 1]),
  }
  arrays.update(changes)
  return image_dataset.from_arrays('mine', **arrays)


class ConversionTest(unittest.TestCase):

  def test_scales_bytes_to_the_unit_interval(self):
    x_train = np.zeros((4, 3, 2), np.uint8)
    x_train[1, 2, 1] = 255
    x_train[2, 0, 0] = 51
    dataset = _load(x_train=x_train)
    self.assertEqual(dataset.train_x.dtype, np.float32)
    self.assertEqual(dataset.train_x.shape, (4, 3, 2, 1))
    self.assertEqual(dataset.train_x[1, 2, 1, 0], 1)
    self.assertEqual(dataset.train_x[2, 0, 0, 0], np.float32(.2))
    self.assertEqual(dataset.train_x.sum(), np.float32(1.2))

  def test_keeps_floats_as_they_are(self):
    x_train = np.full((4, 3, 2, 3), .25, np.float64)
    x_test = np.ones((2, 3, 2, 3), np.float16)
    dataset = _load(x_train=x_train, x_test=x_test)
    np.testing.assert_array_equal(dataset.train_x, np.float32(x_train))
    self.assertEqual(dataset.train_x.dtype, np.float32)
    self.assertEqual(dataset.test_x.dtype, np.float32)
    self.assertEqual(dataset.image_shape, (3, 2, 3))

  def test_takes_labels_in_a_column(self):
    dataset = _load(y_train=np.array([[0], [1], [2], [0]], np.uint8))
    np.testing.assert_array_equal(dataset.train_y, [0, 1, 2, 0])
    self.assertEqual(dataset.train_y.dtype, np.int32)

  def test_counts_the_classes_of_the_training_labels(self):
    self.assertEqual(_load().num_classes, 3)
    self.assertEqual(_load(num_classes=7).num_classes, 7)

  def test_keeps_the_writers(self):
    dataset = _load(writers=[5, 5, 1, 0])
    np.testing.assert_array_equal(dataset.writers, [5, 5, 1, 0])


class LabelErrorsTest(unittest.TestCase):

  def test_raises_on_a_label_beyond_the_classes(self):
    with self.assertRaisesRegex(
        ValueError, 'mine: `y_train` must .* below the number of classes, 2, '
        'found 2'):
      _load(num_classes=2)

  def test_raises_on_a_test_label_no_training_example_has(self):
    with self.assertRaisesRegex(ValueError, '`y_test` .*, 3, found 3'):
      _load(y_test=np.array([0, 3]))

  def test_raises_on_a_negative_label(self):
    with self.assertRaisesRegex(ValueError, '`y_train` .* found -1'):
      _load(y_train=np.array([0, 1, -1, 2]))

  def test_raises_on_labels_that_are_not_integers(self):
    for labels in (np.zeros(4), np.array(['cat', 'dog', 'cat', 'dog']),
                   np.array([0, None, 1, 2])):
      with self.subTest(dtype=labels.dtype):
        with self.assertRaisesRegex(
            ValueError, f'`y_train` must hold integers, found {labels.dtype}'):
          _load(y_train=labels)

  def test_raises_on_one_hot_labels(self):
    with self.assertRaisesRegex(ValueError, r'shape \[n\] .* found \(4, 3\)'):
      _load(y_train=np.eye(4, 3, dtype=int))

  def test_raises_on_labels_that_do_not_number_classes(self):
    with self.assertRaisesRegex(ValueError, 'found label 1000000'):
      _load(y_train=np.array([0, 1, 1000000, 2]))

  def test_raises_on_a_single_class(self):
    with self.assertRaisesRegex(ValueError, 'at least 2 classes'):
      _load(y_train=np.zeros(4, int), y_test=np.zeros(2, int))


class ImageErrorsTest(unittest.TestCase):

  def test_raises_on_a_wrong_shape(self):
    for shape in ((4, 6), (4, 3, 2, 1, 1), (4, 0, 2), ()):
      with self.subTest(shape=shape):
        with self.assertRaisesRegex(
            ValueError, r'`x_train` must have shape \[n, h, w\] or'):
          _load(x_train=np.zeros(shape, np.uint8))

  def test_raises_on_lengths_that_differ(self):
    with self.assertRaisesRegex(
        ValueError, '`x_train` .* its 4 labels, found 3 images'):
      _load(x_train=np.zeros((3, 3, 2), np.uint8))

  def test_raises_on_test_images_of_another_shape(self):
    with self.assertRaisesRegex(
        ValueError, r'`x_test` .* \(3, 2, 1\), found \(2, 3, 1\)'):
      _load(x_test=np.zeros((2, 2, 3), np.uint8))

  def test_raises_on_no_examples(self):
    for split in ('train', 'test'):
      with self.subTest(split=split):
        with self.assertRaisesRegex(
            ValueError, f'`y_{split}` must hold at least one example'):
          _load(**{f'x_{split}': np.zeros((0, 3, 2), np.uint8),
                   f'y_{split}': np.zeros(0, int)})

  def test_raises_on_nan_and_names_the_image(self):
    x_train = np.zeros((4, 3, 2))
    x_train[2, 1, 1] = np.nan
    with self.assertRaisesRegex(
        ValueError, '`x_train` must hold finite pixels, found NaN in image 2'):
      _load(x_train=x_train)

  def test_raises_on_floats_outside_the_unit_interval(self):
    for value in (255., -.5, np.inf, -np.inf):
      x_test = np.zeros((2, 3, 2))
      x_test[0, 0, 0] = value
      with self.subTest(value=value):
        with self.assertRaisesRegex(
            ValueError, r'`x_test` .* \[0, 1\], found floats in \['):
          _load(x_test=x_test)

  def test_raises_on_other_kinds_of_pixels(self):
    for dtype in (np.int64, bool, object, np.complex64):
      with self.subTest(dtype=dtype):
        with self.assertRaisesRegex(
            ValueError, r'`x_train` must hold uint8, or floats in \[0, 1\]'):
          _load(x_train=np.zeros((4, 3, 2), dtype))

  def test_raises_on_writers_of_another_length(self):
    with self.assertRaisesRegex(ValueError, r'`writers` .* found shape \(3,\)'):
      _load(writers=[0, 1, 2])


if __name__ == '__main__':
  unittest.main()
