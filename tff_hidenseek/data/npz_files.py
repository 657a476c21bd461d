"""Images in a Keras-format .npz file: x_train, y_train, x_test, y_test."""

import os
from typing import Optional
import zipfile
import zlib

import numpy as np

from tff_hidenseek.data import image_dataset

KEYS = ('x_train', 'y_train', 'x_test', 'y_test')


def load_npz(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads a user's own file, named as `npz:PATH`.

  Args:
    argument: The path of the file; a relative one is looked for in `data_dir`
      if that is given.
    data_dir: The folder of data files.

  Returns:
    The data set; its number of classes is the largest training label plus one.

  Raises:
    FileNotFoundError: If there is no such file.
    ValueError: If the file or an array in it is not as it must be.
  """
  path = os.path.join(data_dir or '', argument)
  return image_dataset.from_arrays(f'npz:{argument}', **read_arrays(path, KEYS))


def read_arrays(path: str, keys: tuple) -> dict:
  """Reads the named arrays of a .npz file; never unpickles anything.

  Args:
    path: The file.
    keys: The names of the arrays.

  Returns:
    The arrays by name.

  Raises:
    FileNotFoundError: If there is no such file.
    ValueError: If the file is not a .npz, is damaged, lacks a key or holds
      Python objects.
  """
  if not os.path.isfile(path):
    raise FileNotFoundError(f'{path}: must be a .npz file, found no file.')
  try:
    with zipfile.ZipFile(path) as members:
      found = sorted(
          name[:-len('.npy')] for name in members.namelist()
          if name.endswith('.npy'))
  except (zipfile.BadZipFile, OSError) as e:
    raise ValueError(
        f'{path}: must be a complete .npz file, found a damaged or other one '
        f'({e}).') from e
  missing = [key for key in keys if key not in found]
  if missing:
    raise ValueError(
        f'{path}: must hold the arrays {", ".join(keys)}; found '
        f'{", ".join(found) or "none"}; missing {", ".join(missing)}.')
  with np.load(path, allow_pickle=False) as arrays:
    return {key: _read_array(path, arrays, key) for key in keys}


def _read_array(path: str, arrays: np.lib.npyio.NpzFile, key: str):
  try:
    return arrays[key]
  except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError,
          NotImplementedError, MemoryError) as e:
    if 'allow_pickle' in str(e):
      raise ValueError(
          f'{path}: `{key}` must be an array of numbers, found Python '
          'objects, which are never unpickled.') from e
    raise ValueError(
        f'{path}: `{key}` must be a readable array, found a damaged one '
        f'({e}).') from e
