"""The archives in which MNIST-like and CIFAR data sets are published."""

import gzip
import io
import math
import os
import pickle
import struct
import tarfile
from typing import Any, Optional, Tuple
import zlib

import numpy as np

IDX_FILES = {
    'x_train': 'train-images-idx3-ubyte',
    'y_train': 'train-labels-idx1-ubyte',
    'x_test': 't10k-images-idx3-ubyte',
    'y_test': 't10k-labels-idx1-ubyte',
}
CIFAR10_ARCHIVE = 'cifar-10-python.tar.gz'
CIFAR100_ARCHIVE = 'cifar-100-python.tar.gz'

_DAMAGE = (OSError, EOFError, zlib.error, tarfile.TarError)


def read_idx_folder(folder: str) -> Optional[dict]:
  """Reads the four idx files of an MNIST-like data set, gzipped or not.

  Args:
    folder: The folder that may hold them.

  Returns:
    The uint8 arrays x_train, y_train, x_test, y_test, or `None` if the folder
    holds none of the files.

  Raises:
    ValueError: If only some of the files are there, or one is damaged.
  """
  paths = {key: _find_idx(folder, name) for key, name in IDX_FILES.items()}
  if not any(paths.values()):
    return None
  missing = [IDX_FILES[key] for key, path in paths.items() if path is None]
  if missing:
    raise ValueError(
        f'{folder}: must hold all four idx files, each with or without .gz; '
        f'missing {", ".join(missing)}.')
  return {
      key: _read_idx(path, num_dimensions=3 if key.startswith('x') else 1)
      for key, path in paths.items()
  }


def _find_idx(folder: str, name: str) -> Optional[str]:
  for path in (os.path.join(folder, name), os.path.join(folder, name + '.gz')):
    if os.path.isfile(path):
      return path
  return None


def _read_idx(path: str, num_dimensions: int) -> np.ndarray:
  """Reads one idx file of unsigned bytes."""
  try:
    with (gzip.open if path.endswith('.gz') else open)(path, 'rb') as f:
      content = f.read()
  except _DAMAGE as e:
    raise ValueError(
        f'{path}: must be a complete gzip file, found a damaged one ({e}).'
    ) from e
  header_size = 4 + 4 * num_dimensions
  magic = bytes([0, 0, 8, num_dimensions])  # 8 is the code of unsigned bytes.
  if len(content) < header_size or content[:4] != magic:
    raise ValueError(
        f'{path}: must be an idx file of unsigned bytes with {num_dimensions} '
        f'dimensions, found a file that starts with {content[:4].hex()!r}.')
  shape = struct.unpack(f'>{num_dimensions}I', content[4:header_size])
  if len(content) - header_size != math.prod(shape):
    raise ValueError(
        f'{path}: must hold {math.prod(shape)} values as its header says, '
        f'found {len(content) - header_size}.')
  return np.frombuffer(content, np.uint8, offset=header_size).reshape(shape)


def read_cifar10(path: str) -> dict:
  """Reads the Python version of CIFAR-10's archive.

  Args:
    path: The path of cifar-10-python.tar.gz.

  Returns:
    The arrays x_train, y_train, x_test, y_test.

  Raises:
    ValueError: If the archive is damaged or lacks a batch.
  """
  batches = tuple(
      f'cifar-10-batches-py/data_batch_{i}' for i in range(1, 6))
  return _read_cifar(
      path, batches, 'cifar-10-batches-py/test_batch', b'labels')


def read_cifar100(path: str) -> dict:
  """Reads the Python version of CIFAR-100's archive, with its fine labels.

  Args:
    path: The path of cifar-100-python.tar.gz.

  Returns:
    The arrays x_train, y_train, x_test, y_test.

  Raises:
    ValueError: If the archive is damaged or lacks a batch.
  """
  return _read_cifar(
      path, ('cifar-100-python/train',), 'cifar-100-python/test',
      b'fine_labels')


def _read_cifar(
    path: str, train: Tuple[str, ...], test: str, label_key: bytes
) -> dict:
  """Reads the named members of a CIFAR archive, without unpacking files."""
  batches = {}
  try:
    with tarfile.open(path, 'r:gz') as archive:
      for member in archive:
        name = os.path.normpath(member.name)
        if member.isfile() and name in train + (test,):
          content = archive.extractfile(member).read()
          batches[name] = _read_batch(path, name, content, label_key)
  except _DAMAGE as e:
    raise ValueError(
        f'{path}: must be a complete .tar.gz file, found a damaged one ({e}).'
    ) from e
  missing = [name for name in train + (test,) if name not in batches]
  if missing:
    raise ValueError(
        f'{path}: must hold the file {missing[0]}, found '
        f'{", ".join(batches) or "no batch"}.')
  images, labels = zip(*(batches[name] for name in train))
  return {
      'x_train': np.concatenate(images),
      'y_train': np.concatenate(labels),
      'x_test': batches[test][0],
      'y_test': batches[test][1],
  }


def _read_batch(
    path: str, name: str, content: bytes, label_key: bytes
) -> Tuple[np.ndarray, np.ndarray]:
  """Returns the images [n, 32, 32, 3] and labels [n] of one batch."""
  try:
    batch = _ArrayUnpickler(io.BytesIO(content), encoding='bytes').load()
    pixels = np.asarray(batch[b'data'], np.uint8)
    images = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return images, np.asarray(batch[label_key])
  except Exception as e:  # A damaged pickle can raise nearly anything.
    raise ValueError(
        f'{path}: {name} must be a CIFAR batch, found a damaged or other file '
        f'({e}).') from e


class _ArrayUnpickler(pickle.Unpickler):
  """Reads the pickles CIFAR comes in: builtin containers and arrays alone."""

  _ALLOWED = frozenset([
      ('numpy._core.multiarray', '_reconstruct'),
      ('numpy', 'ndarray'),
      ('numpy', 'dtype'),
  ])

  def find_class(self, module: str, name: str) -> Any:
    if module == 'numpy.core.multiarray':  # Its name before NumPy 2.
      module = 'numpy._core.multiarray'
    if (module, name) not in self._ALLOWED:
      raise pickle.UnpicklingError(f'{module}.{name} is not allowed')
    return super().find_class(module, name)
