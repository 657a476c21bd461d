import hashlib
import os
import unittest

import numpy as np

from tff_hidenseek.data import datasets


class NamesTest(unittest.TestCase):

  def test_lists_the_names_where_one_is_unknown(self):
    for name in ('minst', '', 'MNIST', 'npzfile'):
      with self.subTest(name=name):
        with self.assertRaisesRegex(
            ValueError, '`dataset` must be one of digits, mnist, '
            'fashion_mnist, cifar10, cifar100, emnist, npz:PATH, images:DIR, '
            f"found '{name}'"):
          datasets.load_dataset(name)

  def test_raises_on_a_missing_argument(self):
    for name, form in (('npz', 'npz:PATH'), ('npz:', 'npz:PATH'),
                       ('images', 'images:DIR')):
      with self.subTest(name=name):
        with self.assertRaisesRegex(
            ValueError, f"must name a path as in {form}, found '{name}'"):
          datasets.load_dataset(name)

  def test_raises_on_an_argument_where_none_is_taken(self):
    with self.assertRaisesRegex(ValueError, "plain 'digits', .* 'digits:8'"):
      datasets.load_dataset('digits:8')


class MakeAbsoluteTest(unittest.TestCase):

  def test_paths_become_absolute_and_names_stay(self):
    here = os.getcwd()
    for name, data_dir, expected in (
        ('npz:a.npz', None, f'npz:{here}/a.npz'),
        ('images:../b', '', f'images:{os.path.dirname(here)}/b'),
        ('npz:a.npz', '/data', 'npz:/data/a.npz'),
        ('npz:/c/a.npz', '/data', 'npz:/c/a.npz'),
        ('emnist:50', None, 'emnist:50'),
        ('digits', '/data', 'digits'),
        ('npz:', None, 'npz:'),
    ):
      with self.subTest(name=name, data_dir=data_dir):
        self.assertEqual(datasets.make_absolute(name, data_dir), expected)


class DigitsTest(unittest.TestCase):

  def test_has_the_real_digits(self):
    dataset = datasets.load_dataset('digits')
    self.assertEqual(dataset.train_x.shape, (1438, 8, 8, 1))
    self.assertEqual(dataset.test_x.shape, (359, 8, 8, 1))
    self.assertEqual(dataset.num_classes, 10)
    self.assertEqual((dataset.train_x.min(), dataset.train_x.max()), (0, 1))
    self.assertIsNone(dataset.writers)

  def test_holds_every_example_of_scikit_learn_once(self):
    # Here, since importing it takes more than a second.
    from sklearn import datasets as published  # pylint: disable=g-import-not-at-top

    dataset, expected = datasets.load_dataset('digits'), published.load_digits()
    found = np.concatenate([dataset.train_x, dataset.test_x])[..., 0]
    labels = np.concatenate([dataset.train_y, dataset.test_y])

    def count(images, labels):
      return sorted(
          (int(label), (16 * image).astype(int).tolist())
          for image, label in zip(images, labels))

    self.assertEqual(
        count(found, labels), count(expected.images / 16, expected.target))

  def test_split_has_every_class_in_proportion(self):
    dataset = datasets.load_dataset('digits')
    test_counts = np.bincount(dataset.test_y)
    shares = test_counts / (test_counts + np.bincount(dataset.train_y))
    self.assertGreater(shares.min(), .19)
    self.assertLess(shares.max(), .21)

  def test_split_is_always_the_same(self):
    first, second = (datasets.load_dataset('digits') for _ in range(2))
    np.testing.assert_array_equal(first.train_x, second.train_x)
    digest = hashlib.sha256(first.test_x.tobytes()).hexdigest()
    self.assertEqual(digest[:16], '4c678fc2329dcfbc')


if __name__ == '__main__':
  unittest.main()
