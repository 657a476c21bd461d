"""Images in a Keras-format .npz file: x_train, y_train, x_test, y_test."""

import os
from typing import Optional
import zipfile

import numpy as np

from tff_hidenseek.data import image_dataset

KEYS = ('x_train', 'y_train', 'x_test', 'y_test')
# Who wrote each training example, for the partition `natural`.
_WRITERS = 'writers_train'


def load_npz(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads a user's own file, named as `npz:PATH`.

  Args:
    argument: The path of the file; a relative one is looked for in `data_dir`
      if that is given.
    data_dir: The folder of data files.

  Returns:
    The data set; its classes are the distinct training labels in their order.

  Raises:
    FileNotFoundError: If there is no such file.
    ValueError: If the file or an array in it is not as it must be.
  """
  path = os.path.join(data_dir or '', argument)
  arrays = read_arrays(path, KEYS, optional_keys=(_WRITERS,))
  writers = arrays.pop(_WRITERS, None)
  return image_dataset.from_arrays(
      f'npz:{argument}', writers=writers, **arrays)


def read_arrays(path: str, keys: tuple, optional_keys: tuple = ()) -> dict:
  """Reads the named arrays of a .npz file; never unpickles anything.

  Args:
    path: The file.
    keys: The names of the arrays.
    optional_keys: Those of arrays that may be missing.

  Returns:
    The arrays by name.

  Raises:
    FileNotFoundError: If there is no such file.
    ValueError: If the file is not a .npz, is damaged, lacks a key, has examples
      under other names, or holds Python objects.
  """
  if not os.path.isfile(path):
    raise FileNotFoundError(f'{path}: must be a .npz file, found no file.')
  try:
    members = zipfile.ZipFile(path)
  except Exception as e:  # A damaged file can raise nearly anything.
    raise ValueError(
        f'{path}: must be a complete .npz file, found a damaged or other one '
        f'({e}).') from e
  with members:
    found = sorted(
        name[:-len('.npy')] for name in members.namelist()
        if name.endswith('.npy'))
    missing = [key for key in keys if key not in found]
    if missing:
      raise ValueError(
          f'{path}: must hold the arrays {", ".join(keys)}; found '
          f'{", ".join(found) or "none"}; missing {", ".join(missing)}.')
    keys += tuple(key for key in optional_keys if key in found)
    others = [
        name for name in found
        if name.startswith(('x_', 'y_')) and name not in keys]
    if others:
      raise ValueError(
          f'{path}: must hold examples in {", ".join(keys)} alone, found '
          f'{", ".join(others)}: join them to these, or leave them out.')
    return {key: _read_array(path, members, key) for key in keys}


def _read_array(
    path: str, members: zipfile.ZipFile, key: str
) -> np.ndarray:
  try:
    with members.open(f'{key}.npy') as member:
      return np.lib.format.read_array(member, allow_pickle=False)
  except Exception as e:  # LZMA's own, or a tokenizer's of the header.
    if 'allow_pickle' in str(e):
      raise ValueError(
          f'{path}: `{key}` must be an array of numbers, found Python '
          'objects, which are never unpickled.') from e
    raise ValueError(
        f'{path}: `{key}` must be a readable array, found a damaged one '
        f'({e}).') from e
