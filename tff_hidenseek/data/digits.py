"""The embedded default: scikit-learn's 1,797 real handwritten digits."""

from typing import Optional

import numpy as np
from sklearn import datasets as sklearn_datasets

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
  digits = sklearn_datasets.load_digits()
  images, labels = digits.images / 16., digits.target
  rng = np.random.Generator(np.random.Philox(_SPLIT_SEED))
  order = stratification.stratified_order(labels, rng)
  num_test = round(_TEST_FRACTION * len(labels))
  train, test = np.sort(order[:-num_test]), np.sort(order[-num_test:])
  return image_dataset.from_arrays(
      'digits', images[train], labels[train], images[test], labels[test],
      num_classes=10)
