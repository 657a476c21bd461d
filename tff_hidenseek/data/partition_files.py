"""Partitions in files: a .npz of indices, checked when it is read.

docs/data.md describes the format.
"""

import numpy as np

from tff_hidenseek.data import npz_files
from tff_hidenseek.data import partitions
from tff_hidenseek import files

_SPLITS = ('train', 'test')


def save_partition(path: str, partition: partitions.Partition) -> None:
  """Writes a partition to a file, in whole or not at all.

  Args:
    path: The file, by convention a .npz; one that exists is replaced.
    partition: The partition.
  """
  arrays = {}
  for split in _SPLITS:
    clients = getattr(partition, f'{split}_indices')
    arrays[f'{split}_indices'] = np.concatenate(clients)
    arrays[f'{split}_sizes'] = np.array([len(c) for c in clients], np.int64)
  with files.replace_when_whole(path) as unfinished:
    # A file and not its path, to which NumPy may add a suffix.
    with open(unfinished, 'wb') as output:
      np.savez_compressed(output, **arrays)


def load_partition(path: str, num_examples: int) -> partitions.Partition:
  """Reads a partition written by `save_partition`.

  Args:
    path: The file.
    num_examples: The number of training examples of the data set that is to
      be divided.

  Returns:
    The partition.

  Raises:
    FileNotFoundError: If there is no such file.
    ValueError: If the file is not a partition of so many examples: an index
      out of range or used twice, or a client with nothing to train or test on.
  """
  keys = tuple(f'{s}_{part}' for s in _SPLITS for part in ('indices', 'sizes'))
  arrays = npz_files.read_arrays(path, keys)
  for key, array in arrays.items():
    if array.ndim != 1 or array.dtype.kind not in 'iu' or not array.size:
      raise ValueError(
          f'{path}: `{key}` must be integers of shape [n], found '
          f'{array.dtype} of shape {array.shape}.')
  clients = {
      split: _cut(path, split, arrays[f'{split}_indices'],
                  arrays[f'{split}_sizes'])
      for split in _SPLITS
  }
  if len(clients['train']) != len(clients['test']):
    raise ValueError(
        f'{path}: `test_sizes` must have one entry for each of '
        f'{len(clients["train"])} clients, found {len(clients["test"])}.')
  used = np.concatenate([arrays[f'{split}_indices'] for split in _SPLITS])
  outside = used[(used < 0) | (used >= num_examples)]
  if outside.size:
    raise ValueError(
        f'{path}: the indices must be in [0, {num_examples}), the examples of '
        f'this data set, found {outside[0]}.')
  times = np.bincount(used.astype(np.int64), minlength=num_examples)
  if times.max() > 1:
    raise ValueError(
        f'{path}: no example must be in two places, found example '
        f'{times.argmax()} in {times.max()}.')
  return partitions.Partition(
      train_indices=clients['train'], test_indices=clients['test'])


def _cut(
    path: str, split: str, indices: np.ndarray, sizes: np.ndarray
) -> tuple:
  """Cuts all clients' indices into each client's."""
  if sizes.min() < 1:
    raise ValueError(
        f'{path}: every client must have at least 1 {split} example, found '
        f'{sizes.min()} for client {sizes.argmin()}.')
  total = sum(sizes.tolist())  # Of any size: NumPy's sum can overflow.
  if total != len(indices):
    raise ValueError(
        f'{path}: `{split}_sizes` must add up to the {len(indices)} entries '
        f'of `{split}_indices`, found {total}.')
  return tuple(np.split(indices.astype(np.int64), np.cumsum(sizes)[:-1]))
