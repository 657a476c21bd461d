"""The embedded default: scikit-learn's 1,797 real handwritten digits."""

import importlib.metadata
from typing import Optional, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import stratification

_DISTRIBUTION = 'scikit-learn'
_FILE = 'sklearn/datasets/data/digits.csv.gz'
_MAX_PIXEL = 16.0
_SPLIT_SEED = 0
_TEST_FRACTION = 0.2


def load_digits(
    argument: Optional[str], data_dir: Optional[str]
) -> image_dataset.ImageDataset:
  """Loads the 8x8 digits; the split into train and test is always the same.

  A fifth of the examples, drawn once by a fixed seed with every class in
  proportion, is the test split.

  Args:
    argument: Not used.
    data_dir: Not used: the images come with scikit-learn.

  Returns:
    The data set: 1,438 training and 359 test images of shape [8, 8, 1].
  """
  del argument, data_dir
  images, labels = _read_digits()
  rng = np.random.Generator(np.random.Philox(_SPLIT_SEED))
  order = stratification.stratified_order(labels, rng)
  num_test = round(_TEST_FRACTION * len(labels))
  train, test = np.sort(order[:-num_test]), np.sort(order[-num_test:])
  return image_dataset.from_arrays(
      'digits', images[train], labels[train], images[test], labels[test],
      num_classes=10)


def _read_digits() -> Tuple[np.ndarray, np.ndarray]:
  """Returns float64[n, 8, 8] images in [0, 1] and int[n] labels.

  They are read from scikit-learn's file: importing scikit-learn takes longer
  than the rest of a command's start but TensorFlow.
  """
  path = importlib.metadata.distribution(_DISTRIBUTION).locate_file(_FILE)
  rows = np.loadtxt(path, delimiter=',')
  return rows[:, :-1].reshape(-1, 8, 8) / _MAX_PIXEL, rows[:, -1].astype(int)
