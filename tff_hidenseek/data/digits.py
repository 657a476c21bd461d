"""The embedded default: scikit-learn's 1,797 real handwritten digits."""

import importlib.util
import os
from typing import Optional, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import stratification

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
  images, labels = _read_images()
  rng = np.random.Generator(np.random.Philox(_SPLIT_SEED))
  order = stratification.stratified_order(labels, rng)
  num_test = round(_TEST_FRACTION * len(labels))
  train, test = np.sort(order[:-num_test]), np.sort(order[-num_test:])
  return image_dataset.from_arrays(
      'digits', images[train], labels[train], images[test], labels[test],
      num_classes=10)


def _read_images() -> Tuple[np.ndarray, np.ndarray]:
  """Returns all images, in [0, 1], and their labels.

  The file is read as scikit-learn reads it, without importing scikit-learn,
  which takes longer than all else that is done here.
  """
  spec = importlib.util.find_spec('sklearn')
  folder = spec.submodule_search_locations[0] if spec else ''
  path = os.path.join(folder, 'datasets', 'data', 'digits.csv.gz')
  if os.path.exists(path):
    table = np.loadtxt(path, delimiter=',')
  else:
    from sklearn import datasets  # pylint: disable=g-import-not-at-top

    digits = datasets.load_digits()
    table = np.column_stack([digits.data, digits.target])
  images = table[:, :-1].reshape(-1, 8, 8) / 16.0
  return images, table[:, -1].astype(np.int64)
