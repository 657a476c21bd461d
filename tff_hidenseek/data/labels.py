"""Class labels: checked, and numbered from 0 where they are not."""

from typing import Any, Optional, Tuple

import numpy as np


def check_labels(
    name: str, key: str, labels: Any, num_classes: Optional[int]
) -> np.ndarray:
  """Checks the labels of one split.

  Args:
    name: The data set's name, which every error repeats.
    key: The array's name, likewise.
    labels: Integers of shape [n] or [n, 1], at least 0.
    num_classes: What they must be below; `None` sets no limit.

  Returns:
    The labels, int64[n]: types that were mixed would be compared as floats.

  Raises:
    ValueError: If they break one of these rules.
  """
  labels = np.asarray(labels)
  if labels.ndim == 2 and labels.shape[1] == 1:
    labels = labels[:, 0]
  if labels.ndim != 1:
    raise ValueError(
        f'{name}: `{key}` must have shape [n] or [n, 1], found '
        f'{labels.shape}.')
  if not labels.size:
    raise ValueError(
        f'{name}: `{key}` must hold at least one example, found none.')
  if labels.dtype.kind not in 'iu':
    raise ValueError(
        f'{name}: `{key}` must hold integers, found {labels.dtype}.')
  low, high = int(labels.min()), int(labels.max())
  if low < 0:
    raise ValueError(
        f'{name}: `{key}` must hold labels of at least 0, found {low}.')
  if num_classes is not None and high >= num_classes:
    raise ValueError(
        f'{name}: `{key}` must hold labels below the number of classes, '
        f'{num_classes}, found {high}.')
  if high >= 2**63:
    raise ValueError(
        f'{name}: `{key}` must hold labels below 2**63, found {high}.')
  return labels.astype(np.int64, copy=False)


def number_classes(
    name: str, y_train: np.ndarray, y_test: np.ndarray
) -> Tuple[np.ndarray, np.ndarray, Tuple[str, ...]]:
  """Numbers the training labels that there are 0, 1, 2, ... in their order.

  Args:
    name: The data set's name, which every error repeats.
    y_train: The training labels, as `check_labels` returns them.
    y_test: The test labels, likewise.

  Returns:
    The classes of both splits, int32[n], and the label that each class was.
    Labels from 0 without gaps stay what they are.

  Raises:
    ValueError: If there is one class alone, or a test label that no training
      example has: nothing could learn it.
  """
  classes = np.unique(y_train)
  if len(classes) < 2:
    raise ValueError(
        f'{name}: `y_train` must hold at least 2 classes, found only label '
        f'{classes[0]}.')
  unknown = np.setdiff1d(y_test, classes)
  if unknown.size:
    raise ValueError(
        f'{name}: `y_test` must hold labels that `y_train` holds, found '
        f'{unknown[0]}, which no training example has.')
  return (
      np.searchsorted(classes, y_train).astype(np.int32),
      np.searchsorted(classes, y_test).astype(np.int32),
      tuple(str(label) for label in classes))
