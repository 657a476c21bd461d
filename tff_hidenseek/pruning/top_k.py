"""Exact selection of the largest values, ties broken by index."""

import numpy as np


def keep_largest(values: np.ndarray, num_kept: int) -> np.ndarray:
  """Marks the largest values.

  Args:
    values: A one-dimensional float array without NaN.
    num_kept: How many to mark, from 0 to the number of values.

  Returns:
    A bool array with exactly `num_kept` times True. Of equal values the ones
    that come first are kept.
  """
  num_dropped = values.size - num_kept
  if num_kept == 0 or num_dropped == 0:
    return np.full(values.shape, num_dropped == 0)
  threshold = np.partition(values, num_dropped)[num_dropped]
  is_kept = values > threshold
  ties = np.flatnonzero(values == threshold)
  is_kept[ties[: num_kept - np.count_nonzero(is_kept)]] = True
  return is_kept
