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

  def test_numbers_the_writers(self):
    for writers in ([5, 5, 1, 0], [2**40, 2**40, 7, 0], ['d', 'd', 'b', 'a']):
      dataset = _load(writers=writers)
      np.testing.assert_array_equal(dataset.writers, [2, 2, 1, 0])
      self.assertEqual(dataset.writers.dtype, np.int32)


class ChannelsFirstTest(unittest.TestCase):

  def test_recognises_channels_first_and_says_so(self):
    for num_channels in (1, 3):
      with self.subTest(num_channels=num_channels):
        rng = np.random.default_rng(0)
        last = rng.integers(256, size=(6, 28, 32, num_channels), dtype=np.uint8)
        first = np.moveaxis(last, -1, 1)
        found = _load(x_train=first[:4], x_test=first[4:])
        expected = _load(x_train=last[:4], x_test=last[4:])
        self.assertEqual(found.image_shape, (28, 32, num_channels))
        np.testing.assert_array_equal(found.train_x, expected.train_x)
        np.testing.assert_array_equal(found.test_x, expected.test_x)
        self.assertRegex(
            found.notes[0], f'`x_train` has its {num_channels} channels? first')
        self.assertEqual(expected.notes, ())

  def test_raises_where_two_or_four_may_be_a_height(self):
    for size in (2, 4):
      with self.assertRaisesRegex(
          ValueError, f'`x_train` .* the {size} may be channels or the height'):
        _load(x_train=np.zeros((4, size, 8, 8), np.uint8))

  def test_a_last_axis_that_can_be_channels_is_channels(self):
    images = np.zeros((4, 3, 8, 3), np.uint8)
    dataset = _load(x_train=images, x_test=images[:2])
    self.assertEqual(dataset.image_shape, (3, 8, 3))
    self.assertEqual(dataset.notes, ())

  def test_takes_images_of_many_channels(self):
    images = np.zeros((4, 8, 8, 10), np.float32)
    self.assertEqual(
        _load(x_train=images, x_test=images[:2]).image_shape, (8, 8, 10))


class ClassesTest(unittest.TestCase):

  def test_labels_from_1_to_10_are_10_classes(self):
    images = np.zeros((10, 3, 2), np.uint8)
    dataset = _load(
        x_train=images, y_train=np.arange(10, 0, -1), y_test=np.array([1, 10]))
    self.assertEqual(dataset.num_classes, 10)
    np.testing.assert_array_equal(dataset.train_y, np.arange(9, -1, -1))
    np.testing.assert_array_equal(dataset.test_y, [0, 9])
    self.assertEqual(
        dataset.class_names, tuple(str(i) for i in range(1, 11)))
    self.assertEqual(
        dataset.notes, ('The labels 1, 2, ..., 10 are the classes 0 to 9.',))

  def test_labels_far_apart_are_as_many_classes_as_there_are(self):
    dataset = _load(y_train=np.array([100, 7, 7, 100]), y_test=np.array([7, 7]))
    self.assertEqual(dataset.num_classes, 2)
    np.testing.assert_array_equal(dataset.train_y, [1, 0, 0, 1])
    self.assertEqual(dataset.train_y.dtype, np.int32)
    self.assertEqual(dataset.class_names, ('7', '100'))

  def test_labels_without_gaps_stay(self):
    dataset = _load()
    np.testing.assert_array_equal(dataset.train_y, [0, 1, 2, 0])
    self.assertEqual(dataset.class_names, ('0', '1', '2'))
    self.assertEqual(dataset.notes, ())

  def test_keeps_the_names_of_classes(self):
    dataset = _load(num_classes=4, class_names=['a', 'b', 'c', 'd'])
    self.assertEqual(dataset.class_names, ('a', 'b', 'c', 'd'))


class DigestTest(unittest.TestCase):

  def test_is_of_everything_that_is_loaded(self):
    x_train = np.zeros((4, 3, 2), np.uint8)
    x_train[3, 2, 1] = 1
    x_test = np.zeros((2, 3, 2), np.uint8)
    x_test[1, 2, 1] = 1
    datasets = [
        _load(),
        _load(x_train=x_train),
        _load(x_test=x_test),
        _load(x_train=x_train, x_test=x_test),
        _load(y_train=np.array([0, 1, 2, 1])),
        _load(y_test=np.array([2, 2])),
        _load(y_train=np.array([1, 2, 3, 1]), y_test=np.array([3, 2])),
        _load(x_train=np.zeros((4, 2, 3)), x_test=np.zeros((2, 2, 3))),
        _load(x_train=np.zeros((4, 3, 2)), x_test=np.zeros((2, 3, 2))),
        _load(writers=[0, 0, 1, 1]),
        _load(writers=[0, 1, 1, 1]),
    ]
    self.assertEqual(len({d.digest for d in datasets}), len(datasets))

  def test_is_always_the_same(self):
    self.assertEqual(_load().digest, _load().digest)
    # Of another size of integers, and of another order in memory.
    self.assertEqual(
        _load(y_train=np.array([[0], [1], [2], [0]], np.uint8),
              x_train=np.zeros((2, 3, 4), np.uint8).T).digest,
        _load().digest)


class LabelErrorsTest(unittest.TestCase):

  def test_raises_on_a_label_beyond_the_classes(self):
    with self.assertRaisesRegex(
        ValueError, 'mine: `y_train` must .* below the number of classes, 2, '
        'found 2'):
      _load(num_classes=2)

  def test_raises_on_a_test_label_no_training_example_has(self):
    with self.assertRaisesRegex(
        ValueError, '`y_test` must hold labels that `y_train` holds, found 3'):
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

  def test_raises_on_a_single_class(self):
    with self.assertRaisesRegex(ValueError, '2 classes, found only label 3'):
      _load(y_train=np.full(4, 3), y_test=np.full(2, 3))


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
    with self.assertRaisesRegex(
        ValueError, r'`writers_train` .* found shape \(3,\)'):
      _load(writers=[0, 1, 2])

  def test_raises_on_writers_of_another_kind(self):
    with self.assertRaisesRegex(ValueError, '`writers_train` .* found float64'):
      _load(writers=[0., 1., np.nan, 2.])


if __name__ == '__main__':
  unittest.main()
