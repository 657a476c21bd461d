"""Seeded random kernels, the same bits on every machine.

A kernel is drawn like that of a dense layer before training: independent
values with zero mean and variance 2 / fan_in. Random numbers are the raw output
of NumPy's Philox generator, each layer's from its own stream.
"""

import math
from typing import Dict, Mapping, Sequence, Tuple

import numpy as np
import numpy.typing as npt

_DISTRIBUTIONS = ('ternary', 'gaussian')
_SCALE_NUMERATOR = 127


def draw_kernels(
    shapes: Mapping[str, Sequence[int]], seed: int, distribution: str
) -> Dict[str, npt.NDArray[np.float64]]:
  """Draws a random kernel for each layer.

  Args:
    shapes: The kernels' shapes by the name of the layer, outputs last.
    seed: A non-negative integer.
    distribution: 'ternary' for uniform values, which only need arithmetic that
      is exact or correctly rounded; 'gaussian' for normal values.

  Returns:
    The float64 kernels by the name of the layer. No value is zero.
  """
  _check_distribution(distribution)
  kernels = {}
  for index, (name, shape) in enumerate(shapes.items()):
    size = math.prod(shape)
    stream = np.random.Philox(key=np.array([seed, index], np.uint64))
    if distribution == 'ternary':
      values = math.sqrt(3) * _draw_uniform(stream, size)
    else:
      values = _draw_normal(stream, size)
    scale = math.sqrt(2 / _fan_in(shape))
    kernels[name] = (scale * values).reshape(tuple(shape))
  return kernels


def frozen_weights(
    kernels: Mapping[str, npt.NDArray[np.float64]],
    masks: Mapping[str, npt.NDArray[np.bool_]],
    distribution: str,
    gain: float,
) -> Dict[str, npt.NDArray[np.float32]]:
  """Returns the values that the kept weights are frozen at.

  Their scale is gain * sqrt(2 / (fan_in * density of the layer)), so that a
  pruned layer's outputs vary as much as the dense layer's.

  Args:
    kernels: The random kernels by the name of the layer.
    masks: Where weights are kept, bool arrays shaped as the kernels.
    distribution: 'ternary' keeps of a kernel its signs, times one scale a layer
      that is rounded to 127 / 2**k, k an integer; 'gaussian' keeps its values.
    gain: Multiplies the scale, positive.

  Returns:
    A float32 array for each layer: the kept weights, in the kernel's order.
  """
  _check_distribution(distribution)
  if not gain > 0:
    raise ValueError(f'`gain` must be positive, found {gain}.')
  weights = {}
  for name, kernel in kernels.items():
    mask = masks[name]
    kept = kernel[mask]
    gain_of_layer = gain / math.sqrt(kept.size / mask.size)
    if distribution == 'ternary':
      scale = gain_of_layer * math.sqrt(2 / _fan_in(kernel.shape))
      kept = _snap_scale(scale) * np.sign(kept)
    else:
      kept = gain_of_layer * kept
    weights[name] = kept.astype(np.float32)
  return weights


def _check_distribution(distribution: str) -> None:
  if distribution not in _DISTRIBUTIONS:
    raise ValueError(
        f'`distribution` must be one of {_DISTRIBUTIONS}, found '
        f'{distribution!r}.'
    )


def _fan_in(shape: Sequence[int]) -> int:
  return math.prod(shape[:-1])


def _draw_dyadic(
    stream: np.random.Philox, size: int
) -> Tuple[npt.NDArray[np.float64], npt.NDArray[np.uint64]]:
  """Draws uniform numbers in (0, 1), odd multiples of 2**-53, and raw words."""
  words = stream.random_raw(size)
  odd = 2 * (words >> np.uint64(12)) + 1
  return odd * np.float64(2.0**-53), words


def _draw_uniform(
    stream: np.random.Philox, size: int
) -> npt.NDArray[np.float64]:
  """Draws uniform numbers in (-1, 1)."""
  magnitudes, words = _draw_dyadic(stream, size)
  # The lowest bit of a word is not in its magnitude.
  return np.where(words & np.uint64(1), magnitudes, -magnitudes)


def _draw_normal(
    stream: np.random.Philox, size: int
) -> npt.NDArray[np.float64]:
  """Draws normal numbers (Box-Muller)."""
  radii, _ = _draw_dyadic(stream, size)
  angles, _ = _draw_dyadic(stream, size)
  return np.sqrt(-2 * np.log(radii)) * np.cos(2 * np.pi * angles)


def _snap_scale(scale: float) -> float:
  """Returns the number nearest to `scale` among 127 / 2**k."""
  exponent = math.frexp(scale / _SCALE_NUMERATOR)[1]
  candidates = [
      math.ldexp(_SCALE_NUMERATOR, exponent - 1),
      math.ldexp(_SCALE_NUMERATOR, exponent),
  ]
  return min(candidates, key=lambda candidate: abs(candidate - scale))
