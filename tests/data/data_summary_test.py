import unittest

import numpy as np

from tff_hidenseek.data import data_summary
from tff_hidenseek.data import datasets
from tff_hidenseek.data import image_dataset


def _describe(x_train, y_train=None, **options):
  """Describes a data set whose test images are those that it trains on."""
  if y_train is None:
    y_train = np.arange(len(x_train)) % 2
  lines = data_summary.describe(image_dataset.from_arrays(
      'mine', x_train, y_train, x_train, y_train, **options))
  assert max(map(len, lines)) <= 80
  return ' '.join(line.strip() for line in lines)


def _draw(high, size=20, dtype=np.uint8):
  images = np.random.default_rng(0).integers(high + 1, size=(size, 4, 4))
  images[0, 0, 0] = high
  return images.astype(dtype)


class DescribeTest(unittest.TestCase):

  def test_says_what_there_is(self):
    self.assertEqual(
        data_summary.describe(datasets.load_dataset('digits')),
        ['1,438 training and 359 test images of 8 x 8 x 1, pixels from 0 to 1;',
         '10 classes of 140 to 146 training images.'])

  def test_says_what_was_done(self):
    self.assertIn(
        'The labels 7, 100 are the classes 0 to 1.',
        _describe(_draw(255), np.arange(20) % 2 * 93 + 7))
    images = np.moveaxis(_draw(255).reshape(-1, 4, 4, 1).repeat(3, -1), -1, 1)
    self.assertIn(
        '`x_train` has its 3 channels first',
        _describe(images.repeat(2, axis=-1)))

  def test_warns_of_bytes_of_another_range(self):
    for high in (1, 16, 100):
      with self.subTest(high=high):
        self.assertRegex(
            _describe(_draw(high)),
            f'warning: the largest pixel of the training images is .*, {high} '
            'of 255. Bytes are always divided by 255')
    self.assertNotIn('warning', _describe(_draw(200)))

  def test_warns_of_bytes_that_were_scaled_twice(self):
    self.assertIn(
        'warning: the largest pixel of the test images is 0.00392 of 1',
        _describe(_draw(255) / 255. ** 2))

  def test_warns_of_one_class_that_has_all(self):
    labels = np.zeros(20, int)
    labels[0] = 1
    self.assertIn(
        'warning: class 0 has 95.0% of the training images.',
        _describe(_draw(255), labels))

  def test_warns_of_classes_without_examples(self):
    self.assertIn(
        'warning: 1 of 3 classes have no training image, such as c.',
        _describe(_draw(255), num_classes=3, class_names=['a', 'b', 'c']))

  def test_warns_of_images_of_one_shade(self):
    images = _draw(255)
    images[:15] = 255
    self.assertIn(
        'warning: 75.0% of the training images are of one shade.',
        _describe(images))


if __name__ == '__main__':
  unittest.main()
