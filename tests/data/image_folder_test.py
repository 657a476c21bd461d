import os
import tempfile
import unittest

import numpy as np
from PIL import Image

from tff_hidenseek.data import datasets


class ImageFolderTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name

  def _save(self, path, pixels, **options):
    path = os.path.join(self.folder, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(
        np.asarray(pixels, np.uint8))
    image.save(path, **options)
    return path

  def _save_grey(self, *paths, value=0):
    for path in paths:
      self._save(path, np.full((3, 2), value))

  def _load(self):
    return datasets.load_dataset(f'images:{self.folder}')

  def test_numbers_the_classes_by_name(self):
    self._save_grey('train/cat/b.png', value=51)
    self._save_grey('train/cat/a.png', value=255)
    self._save_grey('train/ant/a.PNG', value=102)
    self._save_grey('test/cat/a.png', value=153)
    dataset = self._load()
    self.assertEqual(dataset.image_shape, (3, 2, 1))
    np.testing.assert_array_equal(dataset.train_y, [0, 1, 1])
    np.testing.assert_allclose(
        dataset.train_x[:, 0, 0, 0], [.4, 1., .2], rtol=1e-6)
    np.testing.assert_array_equal(dataset.test_y, [1])
    np.testing.assert_allclose(dataset.test_x, .6, rtol=1e-6)

  def test_finds_a_relative_folder_in_the_data_folder(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'test/a/1.png')
    dataset = datasets.load_dataset(
        f'images:{os.path.basename(self.folder)}', os.path.dirname(self.folder))
    self.assertEqual(dataset.num_classes, 2)

  def test_reads_colour_and_grey_together_as_colour(self):
    colour = np.zeros((3, 2, 3))
    colour[0, 1] = [255, 0, 51]
    self._save('train/a/1.png', colour)
    self._save('train/a/2.png', np.dstack([colour, np.full((3, 2), 255)]))
    self._save_grey('train/b/1.png', 'test/b/1.png', value=51)
    dataset = self._load()
    self.assertEqual(dataset.image_shape, (3, 2, 3))
    for image in dataset.train_x[:2]:
      np.testing.assert_allclose(image[0, 1], [1, 0, .2], rtol=1e-6)
      self.assertAlmostEqual(image.sum(), 1.2, places=6)
    np.testing.assert_allclose(dataset.train_x[2], .2, rtol=1e-6)

  def test_reads_jpeg(self):
    for name in ('1.jpg', '2.JPEG'):
      self._save(f'train/a/{name}', np.full((8, 8, 3), 51), quality=95)
    self._save('train/b/1.jpg', np.full((8, 8, 3), 204), quality=95)
    dataset = self._load()
    images = np.concatenate([dataset.train_x, dataset.test_x])
    labels = np.concatenate([dataset.train_y, dataset.test_y])
    expected = np.where(labels == 0, .2, .8)
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), expected, atol=.02)

  def test_holds_out_a_fifth_where_there_is_no_test_folder(self):
    self._save_grey(*(
        f'train/{name}/{i}.png' for name in 'ab' for i in range(10)))
    first, second = self._load(), self._load()
    np.testing.assert_array_equal(np.bincount(first.train_y), [8, 8])
    np.testing.assert_array_equal(np.bincount(first.test_y), [2, 2])
    np.testing.assert_array_equal(first.train_x, second.train_x)

  def test_passes_over_other_files(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'test/a/1.png')
    for path in ('train/notes.txt', 'train/a/notes.txt', 'train/a/.1.png'):
      with open(os.path.join(self.folder, path), 'w') as f:
        f.write('note')
    os.mkdir(os.path.join(self.folder, 'train', '.cache'))
    self.assertEqual(len(self._load().train_x), 2)

  def test_names_an_image_of_another_size(self):
    self._save_grey('train/a/1.png', 'train/a/2.png', 'train/b/1.png')
    self._save('train/b/2.png', np.zeros((3, 3)))
    with self.assertRaisesRegex(
        ValueError, 'train/b/2.png: must be 2 x 3 pixels like .*train/a/1.png, '
        'found 3 x 3'):
      self._load()

  def test_names_a_damaged_image(self):
    self._save_grey('train/a/1.png', 'train/b/1.png')
    for name in ('2.png', '2.jpg'):
      path = self._save(
          f'train/b/{name}', np.random.default_rng(0).integers(
              256, size=(3, 2)))
      with open(path, 'rb') as f:
        content = f.read()
      for damaged in (b'', b'text', content[:20], content[:len(content) // 2]):
        with open(path, 'wb') as f:
          f.write(damaged)
        with self.assertRaisesRegex(
            ValueError, f'train/b/{name}: must be a PNG, JPEG or BMP'):
          self._load()
      os.remove(path)

  def test_deep_images_make_all_of_them_deep(self):
    self._save('train/a/1.png', Image.fromarray(
        np.full((3, 2), 257 * 51 + 1, np.uint16)))
    self._save_grey('train/b/1.png', 'test/b/1.png', value=51)
    dataset = self._load()
    self.assertEqual(dataset.image_shape, (3, 2, 1))
    np.testing.assert_allclose(dataset.train_x[0], .2 + 1 / 65535, rtol=1e-6)
    np.testing.assert_array_equal(dataset.train_x[1], np.float32(.2))

  def test_classes_are_called_by_their_folders(self):
    self._save_grey('train/cat/1.png', 'train/ant/1.png', 'test/ant/1.png')
    self.assertEqual(self._load().class_names, ('ant', 'cat'))

  def test_knows_other_names_of_the_splits(self):
    for train, test in (('train', 'val'), ('training', 'testing'),
                        ('Train', 'Test'), ('train', 'valid')):
      with self.subTest(train=train, test=test):
        self._save_grey(
            f'{test}{train}/{train}/a/1.png', f'{test}{train}/{train}/b/1.png',
            f'{test}{train}/{test}/b/1.png')
        dataset = datasets.load_dataset(
            f'images:{self.folder}/{test}{train}')
        self.assertEqual((len(dataset.train_y), len(dataset.test_y)), (2, 1))

  def test_raises_on_two_folders_of_test_images(self):
    self._save_grey(
        'train/a/1.png', 'train/b/1.png', 'test/b/1.png', 'val/b/1.png')
    with self.assertRaisesRegex(
        ValueError, 'one folder of test images, found test and val'):
      self._load()

  def test_names_a_split_of_unknown_name(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'holdout/b/1.png')
    with self.assertRaisesRegex(ValueError, 'holdout: must be called by one'):
      self._load()

  def test_names_an_image_that_would_be_passed_over(self):
    self._save_grey('train/a/1.png', 'train/b/1.png')
    for name in ('2.gif', '2.TIFF', '2.webp'):
      with self.subTest(name=name):
        path = self._save(f'train/b/{name}', np.zeros((3, 2)))
        with self.assertRaisesRegex(
            ValueError, f'train/b/{name}: must be .*, found another type'):
          self._load()
        os.remove(path)

  def test_names_a_folder_within_a_class(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'train/b/more/1.png')
    with self.assertRaisesRegex(ValueError, 'b/more: must .*, found a folder'):
      self._load()

  def test_names_a_class_without_images(self):
    self._save_grey('train/a/1.png')
    os.mkdir(os.path.join(self.folder, 'train', 'b'))
    with self.assertRaisesRegex(ValueError, 'train/b: must hold at least one'):
      self._load()

  def test_names_an_image_beside_the_class_folders(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'train/lost.png')
    with self.assertRaisesRegex(
        ValueError, 'lost.png: must be in the folder of its class'):
      self._load()

  def test_raises_on_a_single_class(self):
    self._save_grey('train/a/1.png', 'train/a/2.png')
    with self.assertRaisesRegex(ValueError, '2 class folders, found 1'):
      self._load()

  def test_names_a_test_class_not_trained_on(self):
    self._save_grey('train/a/1.png', 'train/b/1.png', 'test/c/1.png')
    with self.assertRaisesRegex(ValueError, 'test: must hold .*, found c'):
      self._load()

  def test_raises_on_a_missing_folder(self):
    with self.assertRaisesRegex(
        FileNotFoundError, '`images:DIR` must hold a folder train'):
      self._load()


if __name__ == '__main__':
  unittest.main()
