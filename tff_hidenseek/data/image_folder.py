"""A user's own images: DIR/train/<class>/*.png and, optionally, DIR/test."""

import os
import struct
from typing import List, Optional, Sequence, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import stratification

_SUFFIXES = ('.png', '.jpg', '.jpeg')
_GREY_MODES = frozenset(['1', 'L'])
_COLOUR_MODES = frozenset(['P', 'RGB', 'RGBA', 'CMYK', 'YCbCr'])
_SPLIT_SEED = 0
_TEST_FRACTION = 0.2


def load_images(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads a folder with a folder of images for each class.

  The classes are numbered in the order of their folders' names. The images
  have one channel if all are grey, else three; transparency is dropped. If
  there is no DIR/test, a fifth of the images, drawn once by a fixed seed with
  every class in proportion, is the test split.

  Args:
    argument: The folder DIR; a relative one is looked for in `data_dir` if
      that is given.
    data_dir: The folder of data files.

  Returns:
    The data set.

  Raises:
    FileNotFoundError: If there is no such folder.
    ValueError: If a class has no images, or an image is damaged or has another
      size than the first.
  """
  root = os.path.join(data_dir or '', argument)
  train_root = os.path.join(root, 'train')
  if not os.path.isdir(train_root):
    raise FileNotFoundError(
        f'`images:DIR` must hold a folder train with a folder of images for '
        f'each class, found no folder {train_root}.')
  classes = _list_folders(train_root)
  if len(classes) < 2:
    raise ValueError(
        f'{train_root}: must hold at least 2 class folders, found '
        f'{len(classes)}.')
  paths, labels = _list_images(train_root, classes)
  test_root = os.path.join(root, 'test')
  has_test = os.path.isdir(test_root)
  if has_test:
    test_classes = _list_folders(test_root)
    unknown = [name for name in test_classes if name not in classes]
    if unknown or not test_classes:
      raise ValueError(
          f'{test_root}: must hold class folders of the same names as '
          f'{train_root}, found {unknown[0] if unknown else "none"}.')
    test_paths, test_names = _list_images(test_root, test_classes)
    paths, num_train = paths + test_paths, len(paths)
    labels += [classes.index(test_classes[i]) for i in test_names]
    order = np.arange(len(paths))
  else:
    rng = np.random.Generator(np.random.Philox(_SPLIT_SEED))
    order = stratification.stratified_order(np.array(labels), rng)
    num_train = len(paths) - max(1, round(_TEST_FRACTION * len(paths)))
  train, test = np.sort(order[:num_train]), np.sort(order[num_train:])
  images, labels = _read_images(paths), np.array(labels)
  return image_dataset.from_arrays(
      f'images:{argument}', images[train], labels[train], images[test],
      labels[test], num_classes=len(classes))


def _list_folders(root: str) -> List[str]:
  return sorted(
      entry.name for entry in os.scandir(root)
      if entry.is_dir() and not entry.name.startswith('.'))


def _list_images(
    root: str, classes: Sequence[str]
) -> Tuple[List[str], List[int]]:
  """Lists the image files of each class, and each file's class."""
  paths, labels = [], []
  for label, name in enumerate(classes):
    folder = os.path.join(root, name)
    files = sorted(
        file for file in os.listdir(folder)
        if file.lower().endswith(_SUFFIXES) and not file.startswith('.'))
    if not files:
      raise ValueError(
          f'{folder}: must hold at least one image ({", ".join(_SUFFIXES)}), '
          'found none.')
    paths += [os.path.join(folder, file) for file in files]
    labels += [label] * len(files)
  return paths, labels


def _read_images(paths: Sequence[str]) -> np.ndarray:
  """Reads equally large images as uint8[n, height, width, 1 or 3]."""
  headers = [_open_image(path, pixel_mode=None) for path in paths]
  width, height = headers[0][0]
  for path, (size, _) in zip(paths, headers):
    if size != (width, height):
      raise ValueError(
          f'{path}: must be {width} x {height} pixels like {paths[0]}, found '
          f'{size[0]} x {size[1]}.')
  is_grey = all(mode in _GREY_MODES for _, mode in headers)
  shape = (len(paths), height, width, 1 if is_grey else 3)
  images = np.empty(shape, np.uint8)
  for image, path in zip(images, paths):
    pixels = _open_image(path, pixel_mode='L' if is_grey else 'RGB')
    image[...] = pixels.reshape(shape[1:])
  return images


def _open_image(path: str, pixel_mode: Optional[str]):
  """Returns an image's (size, mode) or, given a pixel mode, its pixels."""
  from PIL import Image  # pylint: disable=g-import-not-at-top
  try:
    with Image.open(path, formats=('PNG', 'JPEG')) as image:
      if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise ValueError(f'pixels of mode {image.mode}')
      if pixel_mode is None:
        return image.size, image.mode
      return np.asarray(image.convert(pixel_mode))
  except (OSError, SyntaxError, ValueError, EOFError, struct.error,
          Image.DecompressionBombError) as e:
    raise ValueError(
        f'{path}: must be a PNG or JPEG image with 8 bits a channel, found '
        f'another or a damaged file ({e}).') from e
