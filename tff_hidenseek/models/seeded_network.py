"""What an experiment's seed stands for: the pruned random net and its scores.

The server, its clients and whoever opens a ticket draw the same bits.
"""

import collections
import hashlib
from typing import Callable, Mapping, Sequence

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.models import layer_sets
from tff_hidenseek.pruning import masks as masks_lib
from tff_hidenseek.pruning import random_kernels


@attrs.frozen(kw_only=True)
class NetworkOptions:
  """What determines the net, besides its architecture.

  Attributes:
    seed: Draws the kernels and the initial scores.
    density: Fraction of the weights that is kept, in (0, 1].
    pruning: A name in `pruning.masks.MASK_FNS`.
    pruning_iterations: Steps of the pruning schedule.
    kernel_distribution: 'ternary' or 'gaussian'.
    kernel_gain: Scale of the frozen weights relative to He initialisation.
  """

  seed: int
  density: float
  pruning: str
  pruning_iterations: int
  kernel_distribution: str
  kernel_gain: float


def draw_kernels(
    shapes: Mapping[str, Sequence[int]], options: NetworkOptions
) -> Mapping[str, np.ndarray]:
  """Draws the random kernels, float64, for shapes by the name of the layer."""
  return random_kernels.draw_kernels(
      shapes, options.seed, options.kernel_distribution
  )


def draw_masks(
    build_model: Callable[[layer_sets.LayerSet], tf.keras.Model],
    kernels: Mapping[str, np.ndarray],
    options: NetworkOptions,
) -> Mapping[str, np.ndarray]:
  """Prunes the random net, without data.

  Args:
    build_model: Makes the model from the layers it is given.
    kernels: What `draw_kernels` returned.
    options: Density, construction and schedule of the mask.

  Returns:
    Which weights are kept: bool arrays in the shapes of the kernels.
  """
  return masks_lib.MASK_FNS[options.pruning](
      build_model(layer_sets.SaliencyLayers()),
      kernels,
      options.density,
      seed=options.seed,
      num_iterations=options.pruning_iterations,
  )


def draw_kept_weights(
    kernels: Mapping[str, np.ndarray],
    masks: Mapping[str, np.ndarray],
    options: NetworkOptions,
) -> Mapping[str, np.ndarray]:
  """Returns the frozen weights: float32, by the name of the layer."""
  return random_kernels.frozen_weights(
      kernels, masks, options.kernel_distribution, options.kernel_gain
  )


def draw_initial_scores(
    num_kept: Mapping[str, int], seed: int
) -> Mapping[str, np.ndarray]:
  """Draws the global scores before the first round.

  Args:
    num_kept: How many weights each layer keeps, in the order of the model.
    seed: The experiment's seed.

  Returns:
    float32 arrays of these lengths, uniform in [-1, 1].
  """
  rng = np.random.Generator(np.random.Philox(key=[seed, len(num_kept)]))
  return collections.OrderedDict(
      (name, rng.uniform(-1, 1, size).astype(np.float32))
      for name, size in num_kept.items()
  )


def hash_masks(masks: Mapping[str, np.ndarray]) -> np.ndarray:
  """Returns the SHA-256 of all masks, `uint8[32]`."""
  digest = hashlib.sha256()
  for mask in masks.values():
    digest.update(np.packbits(mask, bitorder='little').tobytes())
  return np.frombuffer(digest.digest(), np.uint8)
