"""The data sets by name."""

import os
from typing import Optional

from tff_hidenseek.data import digits
from tff_hidenseek.data import emnist
from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import image_folder
from tff_hidenseek.data import npz_files
from tff_hidenseek.data import published_files

ImageDataset = image_dataset.ImageDataset

# Each loader takes (argument, data_dir); `argument` is what follows the colon
# of NAME:ARGUMENT, or `None`.
DATASETS = {
    'digits': digits.load_digits,
    'mnist': published_files.load_mnist,
    'fashion_mnist': published_files.load_fashion_mnist,
    'cifar10': published_files.load_cifar10,
    'cifar100': published_files.load_cifar100,
    'emnist': emnist.load_emnist,
    'npz': npz_files.load_npz,
    'images': image_folder.load_images,
}

_NEEDS_ARGUMENT = {'npz': 'npz:PATH', 'images': 'images:DIR'}
_TAKES_ARGUMENT = frozenset(['npz', 'images', 'emnist'])


def load_dataset(name: str, data_dir: Optional[str] = None) -> ImageDataset:
  """Loads a data set by name.

  Args:
    name: A key of `DATASETS`, or one with its argument: `npz:PATH`,
      `images:DIR`, `emnist:MAX_WRITERS`.
    data_dir: The folder in which data files are looked for before anything is
      downloaded.

  Returns:
    The data set.

  Raises:
    FileNotFoundError: If a file is missing and cannot be downloaded; the
      message says which file to put where.
    ValueError: If the name is unknown, or the data is not as it must be.
  """
  key, colon, argument = name.partition(':')
  if key not in DATASETS:
    raise ValueError(
        f'`dataset` must be one of {", ".join(list_names())}, found {name!r}.')
  if key in _NEEDS_ARGUMENT and not argument:
    raise ValueError(
        f'`dataset` must name a path as in {_NEEDS_ARGUMENT[key]}, found '
        f'{name!r}.')
  if colon and key not in _TAKES_ARGUMENT:
    raise ValueError(
        f'`dataset` must be plain {key!r}, which takes no argument, found '
        f'{name!r}.')
  return DATASETS[key](argument if colon else None, data_dir)


def make_absolute(name: str, data_dir: Optional[str] = None) -> str:
  """Returns the name by which any program finds the same data.

  Args:
    name: As `load_dataset` takes it.
    data_dir: The folder of data files; a relative path in the name is looked
      for in it if it is given, else in the working directory.

  Returns:
    The name, with an absolute path where it has one; other names stay.
  """
  key, _, path = name.partition(':')
  if key not in _NEEDS_ARGUMENT or not path:
    return name
  # A shell does not expand what follows the colon.
  path = os.path.join(data_dir or '', os.path.expanduser(path))
  return f'{key}:{os.path.abspath(path)}'


def list_names() -> list:
  """Lists the names that `load_dataset` takes, for messages."""
  return [_NEEDS_ARGUMENT.get(key, key) for key in DATASETS]
