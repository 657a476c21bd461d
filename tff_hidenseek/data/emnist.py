"""Federated EMNIST, whose natural clients are the writers (TFF's loader)."""

import lzma
import os
import shutil
import tempfile
from typing import Any, List, Optional, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek import files

_DATABASE = 'emnist_all.sqlite'
_NUM_CLASSES = 62


def load_emnist(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads handwritten digits and letters, 62 classes, with their writers.

  The 3,400 writers have 671,585 training and 77,483 test images [28, 28, 1],
  2.4 GB as float32: `emnist:MAX_WRITERS` loads fewer. As in MNIST the
  background is 0 (TFF's own pixels are inverted).

  Args:
    argument: The number of writers to load, the first by name; `None` loads
      all.
    data_dir: The folder that may hold emnist_all.sqlite, or the same file with
      .lzma; `None` is the folder TFF uses, ~/.tff.

  Returns:
    The data set.

  Raises:
    FileNotFoundError: If the file is missing and cannot be downloaded.
    ValueError: If `argument` is not a positive number, or the file is damaged.
  """
  if argument is not None and not (argument.isdecimal() and int(argument)):
    raise ValueError(
        '`emnist:MAX_WRITERS` must have a number of at least 1, found '
        f'{argument!r}.')
  max_writers = None if argument is None else int(argument)
  folder = data_dir or os.path.join(os.path.expanduser('~'), '.tff')
  path = os.path.join(folder, _DATABASE)
  if not os.path.isfile(path):
    if os.path.isfile(path + '.lzma'):
      _decompress(path)
    else:
      _download(folder)
  # Not at the top: the rest of `data` works without TFF.
  import tensorflow_federated as tff  # pylint: disable=g-import-not-at-top
  try:
    train, test = (
        tff.simulation.datasets.SqlClientData(path, split)
        for split in ('all_train', 'all_test'))
    arrays = read_client_data(train, test, max_writers)
  except Exception as e:  # TFF, sqlite3 and tf.data each raise their own.
    raise ValueError(
        f'{path}: must be the SQLite file of federated EMNIST, found another '
        f'or a damaged one ({e}).') from e
  return image_dataset.from_arrays(
      'emnist', num_classes=_NUM_CLASSES, **arrays)


def read_client_data(
    train: Any, test: Any, max_writers: Optional[int] = None
) -> dict:
  """Joins the clients of two `tff.simulation.datasets.ClientData`.

  Args:
    train: The clients' training examples, each a serialised tf.train.Example
      of an integer `label` and 28 x 28 floats `pixels`.
    test: The clients' test examples, likewise.
    max_writers: The number of clients to read, the first by name; `None` reads
      all.

  Returns:
    The arrays x_train, y_train, x_test, y_test, and in `writers` the number of
    each training example's client.
  """
  client_ids = sorted(train.client_ids)[:max_writers]
  if not client_ids:
    raise ValueError('no writers')
  with_test = frozenset(test.client_ids)
  x_train, y_train, sizes = _read_clients(train, client_ids)
  x_test, y_test, _ = _read_clients(
      test, [name for name in client_ids if name in with_test])
  return {
      'x_train': x_train,
      'y_train': y_train,
      'x_test': x_test,
      'y_test': y_test,
      'writers': np.repeat(np.arange(len(sizes)), sizes),
  }


def _read_clients(
    client_data: Any, client_ids: List[str]
) -> Tuple[np.ndarray, np.ndarray, List[int]]:
  """Returns all clients' images, labels, and each client's size."""
  import tensorflow as tf  # pylint: disable=g-import-not-at-top
  features = {
      'label': tf.io.FixedLenFeature((), tf.int64),
      'pixels': tf.io.FixedLenFeature((28, 28), tf.float32),
  }
  pixels, labels = [], []
  for client_id in client_ids:
    dataset = client_data.create_tf_dataset_for_client(client_id)
    # Parsing a client's examples at once is a hundred times faster than one by
    # one in the dataset, as TFF's `emnist.load_data` does it.
    examples = tf.io.parse_example(
        next(iter(dataset.batch(2**20))), features)
    pixels.append(examples['pixels'].numpy())
    labels.append(examples['label'].numpy())
  sizes = [len(part) for part in labels]
  images = np.empty((sum(sizes), *pixels[0].shape[1:]), np.float32)
  # Each client's copy is let go of at once: all of them together would double
  # the memory.
  for end in np.cumsum(sizes)[::-1]:
    part = pixels.pop()
    np.subtract(1, part, out=images[end - len(part):end])
  return images, np.concatenate(labels), sizes


def _decompress(path: str) -> None:
  """Makes PATH of PATH.lzma, in whole or not at all."""
  try:
    with files.replace_when_whole(path) as unfinished:
      with lzma.open(path + '.lzma') as source:
        with open(unfinished, 'wb') as target:
          shutil.copyfileobj(source, target, 2**20)
  except (lzma.LZMAError, EOFError) as e:
    raise ValueError(
        f'{path}.lzma: must be a complete LZMA file, found a damaged one '
        f'({e}).') from e


def _download(folder: str) -> None:
  """Lets TFF download the database to `folder`.

  TFF would take what an interrupted download leaves for the whole file, so it
  is given a folder of its own.
  """
  import tensorflow_federated as tff  # pylint: disable=g-import-not-at-top
  os.makedirs(folder, exist_ok=True)
  with tempfile.TemporaryDirectory(dir=folder) as unfinished:
    try:
      tff.simulation.datasets.emnist.load_data(
          only_digits=False, cache_dir=unfinished)
    except Exception as e:  # Of the network, the file or the disk.
      raise FileNotFoundError(
          'emnist is not on this machine and cannot be downloaded '
          f'({e}). Put {_DATABASE} or {_DATABASE}.lzma into {folder}.') from e
    os.replace(
        os.path.join(unfinished, _DATABASE), os.path.join(folder, _DATABASE))
