"""A user's own images: DIR/train/<class>/*.png and, optionally, DIR/test."""

import os
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import image_files
from tff_hidenseek.data import stratification

_TRAIN_NAMES = ('train', 'training')
_TEST_NAMES = ('test', 'testing', 'val', 'valid', 'validation')
# Images that are not read; other files are none and are passed over.
_OTHER_SUFFIXES = (
    '.avif', '.gif', '.heic', '.jfif', '.jp2', '.npy', '.pgm', '.ppm', '.svg',
    '.tga', '.tif', '.tiff', '.webp')
_SPLIT_SEED = 0
_TEST_FRACTION = 0.2


def load_images(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads a folder with a folder of images for each class.

  The classes are numbered in the order of their folders' names. The images
  have one channel if all are grey, else three. If there is no DIR/test, or a
  folder of another name that test images have, a fifth of the images, drawn
  once by a fixed seed with every class in proportion, is the test split.

  Args:
    argument: The folder DIR; a relative one is looked for in `data_dir` if
      that is given.
    data_dir: The folder of data files.

  Returns:
    The data set.

  Raises:
    FileNotFoundError: If there is no such folder.
    ValueError: If a class has no images, an image is damaged or has another
      size than the first, or a folder would be passed over that seems to hold
      images.
  """
  root = os.path.join(data_dir or '', argument)
  splits = _find_splits(root)
  train_root, test_root = splits['train'], splits['test']
  classes = _list_classes(train_root)
  if len(classes) < 2:
    raise ValueError(
        f'{train_root}: must hold at least 2 class folders, found '
        f'{len(classes)}.')
  paths, labels = _list_images(train_root, classes)
  if test_root:
    test_classes = _list_classes(test_root)
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
      labels[test], num_classes=len(classes), class_names=classes)


def _find_splits(root: str) -> Dict[str, Optional[str]]:
  """Returns the folders of the training and of the test images, if any."""
  names = _list_folders(root) if os.path.isdir(root) else []
  splits = {}
  for split, known in (('train', _TRAIN_NAMES), ('test', _TEST_NAMES)):
    found = [name for name in names if name.lower() in known]
    if len(found) > 1:
      raise ValueError(
          f'{root}: must hold one folder of {split} images, found '
          f'{" and ".join(found)}: join them, or move what is not to be used '
          'elsewhere.')
    splits[split] = os.path.join(root, found[0]) if found else None
  if not splits['train']:
    raise FileNotFoundError(
        f'`images:DIR` must hold a folder train with a folder of images for '
        f'each class, found no folder {os.path.join(root, "train")}.')
  classes = frozenset(_list_folders(splits['train']))
  for name in names:
    folder = os.path.join(root, name)
    if folder not in splits.values() and classes & {*_list_folders(folder)}:
      raise ValueError(
          f'{folder}: must be called by one of {", ".join(_TEST_NAMES)}, if it '
          'holds test images, found class folders in one of another name.')
  return splits


def _list_classes(root: str) -> List[str]:
  """Lists the class folders of a split, beside which no image may lie."""
  for name in sorted(os.listdir(root)):
    suffixes = (*image_files.SUFFIXES, *_OTHER_SUFFIXES)
    if name.lower().endswith(suffixes) and not name.startswith('.'):
      raise ValueError(
          f'{os.path.join(root, name)}: must be in the folder of its class, '
          f'found an image in {root}.')
  return _list_folders(root)


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
    files = _list_files(folder)
    if not files:
      raise ValueError(
          f'{folder}: must hold at least one image '
          f'({", ".join(image_files.SUFFIXES)}), found none.')
    paths += [os.path.join(folder, file) for file in files]
    labels += [label] * len(files)
  return paths, labels


def _list_files(folder: str) -> List[str]:
  """Lists the image files of a class; a file passed over must be no image."""
  inner = _list_folders(folder)
  names = sorted(
      name for name in os.listdir(folder)
      if not name.startswith('.') and name not in inner)
  others = [name for name in names if name.lower().endswith(_OTHER_SUFFIXES)]
  if inner or others:
    raise ValueError(
        f'{os.path.join(folder, (inner + others)[0])}: must be an image of '
        f'type {", ".join(image_files.SUFFIXES)}, found '
        f'{"a folder" if inner else "another type"}.')
  return [
      name for name in names if name.lower().endswith(image_files.SUFFIXES)]


def _read_images(paths: Sequence[str]) -> np.ndarray:
  """Reads equally large images as [n, height, width, 1 or 3].

  Returns:
    uint8, or float32 in [0, 1] if a file has 16 bits a channel.
  """
  images = []
  for path in paths:
    images.append(image_files.read_image(path))
    height, width = images[0].shape[:2]
    if images[-1].shape[:2] != (height, width):
      found_height, found_width = images[-1].shape[:2]
      raise ValueError(
          f'{path}: must be {width} x {height} pixels like {paths[0]}, found '
          f'{found_width} x {found_height}.')
  num_channels = max(image.shape[-1] for image in images)
  if any(image.dtype != np.uint8 for image in images):
    images = [
        np.divide(image, np.float32(255), dtype=np.float32)
        if image.dtype == np.uint8 else image
        for image in images]
  shape = (height, width, num_channels)
  return np.stack([np.broadcast_to(image, shape) for image in images])
