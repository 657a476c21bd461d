"""The ways to choose the kept weights, under one signature.

`MASK_FNS[name](model, kernels, density, *, seed, num_iterations)`:

Args:
  model: A model of `layer_sets.SaliencyLayers`. Its kernels are overwritten.
  kernels: The random float64 kernels, by the name of the layer and in the order
    of the model, which decides between ties.
  density: The fraction of all weights that is kept, in (0, 1].
  seed: Draws what is random besides the kernels; a non-negative integer.
  num_iterations: In how many steps SynFlow prunes, at least 1.

Returns:
  A bool array shaped as the kernel, by the name of the layer. Over
  all layers, exactly round(density * size) are True.

Raises:
  ValueError: If an argument is out of range, or a layer would keep no weight.
"""

from typing import Dict, Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tff_hidenseek.pruning import selection
from tff_hidenseek.pruning import synflow

# Keeps these streams apart from those that the kernels are drawn from.
_FIRST_STREAM = 1 << 32


def _build_magnitude_mask(
    model: tf.keras.Model,
    kernels: Mapping[str, npt.NDArray[np.float64]],
    density: float,
    *,
    seed: int,
    num_iterations: int,
) -> Dict[str, npt.NDArray[np.bool_]]:
  """Keeps the weights with the largest magnitude, whatever their layer."""
  del model, seed  # The kernels say it all.
  selection.check_arguments(density, num_iterations)
  magnitudes = np.concatenate([np.abs(k).ravel() for k in kernels.values()])
  num_kept = round(density * magnitudes.size)
  is_kept = selection.keep_largest(magnitudes, num_kept)
  ends = np.cumsum([kernel.size for kernel in kernels.values()])
  masks = {
      name: part.reshape(kernels[name].shape)
      for name, part in zip(kernels, np.split(is_kept, ends[:-1]))
  }
  num_kept_by_layer = {name: mask.sum() for name, mask in masks.items()}
  selection.check_no_layer_is_empty(num_kept_by_layer, density, num_iterations)
  return masks


def _build_random_mask(
    model: tf.keras.Model,
    kernels: Mapping[str, npt.NDArray[np.float64]],
    density: float,
    *,
    seed: int,
    num_iterations: int,
) -> Dict[str, npt.NDArray[np.bool_]]:
  """Keeps as many random weights of each layer as SynFlow does."""
  masks = synflow.build_synflow_mask(
      model, kernels, density, seed=seed, num_iterations=num_iterations
  )
  return {
      name: selection.keep_largest(
          _draw_words(seed, index, mask.size), np.count_nonzero(mask)
      ).reshape(mask.shape)
      for index, (name, mask) in enumerate(masks.items())
  }


def _build_shuffled_mask(
    model: tf.keras.Model,
    kernels: Mapping[str, npt.NDArray[np.float64]],
    density: float,
    *,
    seed: int,
    num_iterations: int,
) -> Dict[str, npt.NDArray[np.bool_]]:
  """Shuffles SynFlow's mask inside each layer."""
  masks = synflow.build_synflow_mask(
      model, kernels, density, seed=seed, num_iterations=num_iterations
  )
  shuffled = {}
  for index, (name, mask) in enumerate(masks.items()):
    order = np.argsort(_draw_words(seed, index, mask.size), kind='stable')
    shuffled[name] = mask.ravel()[order].reshape(mask.shape)
  return shuffled


def _draw_words(seed: int, index: int, size: int) -> npt.NDArray[np.uint64]:
  key = np.array([seed, _FIRST_STREAM + index], np.uint64)
  return np.random.Philox(key=key).random_raw(size)


MASK_FNS = {
    'synflow': synflow.build_synflow_mask,
    'magnitude': _build_magnitude_mask,
    'random': _build_random_mask,
    'synflow_shuffled': _build_shuffled_mask,
}
