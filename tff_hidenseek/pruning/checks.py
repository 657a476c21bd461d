"""What is asked of a pruning and of its result."""

from typing import Mapping


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
