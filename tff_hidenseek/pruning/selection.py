"""Which weights a pruning keeps: the largest ones, and what is asked of it."""

from typing import Any, Mapping

import numpy as np
import numpy.typing as npt


def check_arguments(density: float, num_iterations: int) -> None:
  """Raises ValueError if the arguments of a pruning are out of range."""
  if not 0 < density <= 1:
    raise ValueError(f'`density` must be in (0, 1], found {density}.')
  if num_iterations < 1:
    raise ValueError(
        f'`num_iterations` must be at least 1, found {num_iterations}.'
    )


def check_no_layer_is_empty(
    num_kept: Mapping[str, int], density: float, num_iterations: int
) -> None:
  """Raises ValueError if a layer keeps no weight, and says what to do.

  Args:
    num_kept: How many weights are kept, by the name of the layer.
    density: The density that was asked for.
    num_iterations: In how many iterations it was reached.
  """
  empty = [name for name, count in num_kept.items() if count == 0]
  if empty:
    raise ValueError(
        f'Pruning to density {density} in {num_iterations} iteration(s) leaves '
        f'no weight in: {", ".join(empty)}. Use more pruning iterations (100 '
        'are enough for most models) or a higher density.'
    )


def keep_largest(
    values: npt.NDArray[Any], num_kept: int
) -> npt.NDArray[np.bool_]:
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
