"""Well-known data sets: from files at hand, else downloaded by Keras."""

import os
from typing import Callable, Optional

import numpy as np

from tff_hidenseek.data import archives
from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import npz_files

# MNIST and Fashion-MNIST are published in files of the same names: their first
# training labels tell them apart.
_FIRST_LABELS = {
    'mnist': (5, 0, 4, 1, 9, 2, 1, 3, 1, 4),
    'fashion_mnist': (9, 0, 0, 3, 0, 2, 7, 2, 5, 5),
}
_CLASS_NAMES = {
    'fashion_mnist': (
        'T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal',
        'Shirt', 'Sneaker', 'Bag', 'Ankle boot',
    ),
    'cifar10': (
        'airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse',
        'ship', 'truck',
    ),
}


def load_mnist(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads MNIST: 60,000 and 10,000 images [28, 28, 1], 10 classes.

  Args:
    argument: Not used.
    data_dir: The folder that may hold mnist.npz or, in itself or in its folder
      mnist, the four idx files.

  Returns:
    The data set.
  """
  del argument
  return _load('mnist', 10, data_dir, _read_idx_files)


def load_fashion_mnist(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads Fashion-MNIST: 60,000 and 10,000 images [28, 28, 1], 10 classes.

  Args:
    argument: Not used.
    data_dir: The folder that may hold fashion_mnist.npz or, in itself or in
      its folder fashion_mnist, the four idx files.

  Returns:
    The data set.
  """
  del argument
  return _load('fashion_mnist', 10, data_dir, _read_idx_files)


def load_cifar10(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads CIFAR-10: 50,000 and 10,000 images [32, 32, 3], 10 classes.

  Args:
    argument: Not used.
    data_dir: The folder that may hold cifar10.npz or cifar-10-python.tar.gz.

  Returns:
    The data set.
  """
  del argument
  return _load('cifar10', 10, data_dir, _read_cifar10_archive)


def load_cifar100(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads CIFAR-100: 50,000 and 10,000 images [32, 32, 3], 100 fine classes.

  Args:
    argument: Not used.
    data_dir: The folder that may hold cifar100.npz or cifar-100-python.tar.gz.

  Returns:
    The data set.
  """
  del argument
  return _load('cifar100', 100, data_dir, _read_cifar100_archive)


def _load(
    name: str,
    num_classes: int,
    data_dir: Optional[str],
    read_archive: Callable[[str, str], Optional[dict]],
) -> image_dataset.ImageDataset:
  """Loads from NAME.npz, else from the archive, else from the network."""
  arrays = None
  if data_dir is not None:
    if not os.path.isdir(data_dir):
      raise FileNotFoundError(
          f'`data_dir` must be a folder, found {data_dir!r}.')
    npz_path = os.path.join(data_dir, f'{name}.npz')
    if os.path.exists(npz_path):
      arrays = npz_files.read_arrays(npz_path, npz_files.KEYS)
    else:
      arrays = read_archive(name, data_dir)
  if arrays is None:
    arrays = _download(name, data_dir)
  return image_dataset.from_arrays(
      name, num_classes=num_classes, class_names=_CLASS_NAMES.get(name),
      **arrays)


def _read_idx_files(name: str, data_dir: str) -> Optional[dict]:
  """Reads idx files in DATA_DIR/NAME or DATA_DIR."""
  for folder in (os.path.join(data_dir, name), data_dir):
    arrays = archives.read_idx_folder(folder)
    if arrays is None:
      continue
    for other, first_labels in _FIRST_LABELS.items():
      if other != name and np.array_equal(
          arrays['y_train'][:len(first_labels)], first_labels):
        raise ValueError(
            f'{folder}: must hold the idx files of {name}, found those of '
            f'{other}; put the right ones into {data_dir}/{name}.')
    return arrays
  return None


def _read_cifar10_archive(name: str, data_dir: str) -> Optional[dict]:
  del name
  path = os.path.join(data_dir, archives.CIFAR10_ARCHIVE)
  return archives.read_cifar10(path) if os.path.exists(path) else None


def _read_cifar100_archive(name: str, data_dir: str) -> Optional[dict]:
  del name
  path = os.path.join(data_dir, archives.CIFAR100_ARCHIVE)
  return archives.read_cifar100(path) if os.path.exists(path) else None


_IDX_NAMES = ', '.join(f'{name}.gz' for name in archives.IDX_FILES.values())
_ARCHIVE_NAMES = {
    'mnist': _IDX_NAMES,
    'fashion_mnist': _IDX_NAMES,
    'cifar10': archives.CIFAR10_ARCHIVE,
    'cifar100': archives.CIFAR100_ARCHIVE,
}


def _download(name: str, data_dir: Optional[str]) -> dict:
  """Lets Keras download the data set, or find it in Keras's own cache."""
  import tensorflow as tf  # pylint: disable=g-import-not-at-top
  try:
    train, test = getattr(tf.keras.datasets, name).load_data()
  except Exception as e:  # Keras raises a bare Exception where a URL fails.
    folder = data_dir or 'a folder that you name as `data_dir`'
    raise FileNotFoundError(
        f'{name} is not on this machine and cannot be downloaded ({e}). Put '
        f'{name}.npz (arrays x_train, y_train, x_test, y_test), or '
        f'{_ARCHIVE_NAMES[name]} into {folder}.') from e
  return dict(zip(npz_files.KEYS, train + test))
