"""The random network of HideNseek: drawn and pruned once, without data."""

import collections
from typing import Mapping

import attrs
import numpy as np

from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import seeded_network


@attrs.frozen(eq=False)
class PrunedNetwork:
  """What the server fixes once.

  Attributes:
    masks: Which weights each layer keeps, `bool` arrays in the kernels' shapes.
    kept_positions: Flat indices of the kept weights, `int32[K_layer]`.
    kept_weights: The frozen weights there, `float32[K_layer]`.
    initial_scores: The scores before the first round, `float32[K_layer]`.
  """

  masks: Mapping[str, np.ndarray]
  kept_positions: Mapping[str, np.ndarray]
  kept_weights: Mapping[str, np.ndarray]
  initial_scores: Mapping[str, np.ndarray]

  @property
  def num_kept(self) -> collections.OrderedDict:
    """The number of kept weights of each layer."""
    return collections.OrderedDict(
        (name, kept.size) for name, kept in self.kept_positions.items()
    )


def layer_rates(masks: Mapping[str, np.ndarray]) -> collections.OrderedDict:
  """Returns rates at which the weights of all layers change alike.

  A flip of a sign changes a weight by twice its scale, which falls with the
  square root of the kept weights that feed a unit. A layer's rate is the
  inverse of its scale, 1 for the layer whose weights are the smallest.

  Args:
    masks: Which weights each layer keeps, outputs last.

  Returns:
    Rates in (0, 1] by the name of the layer.
  """
  inverse_scales = collections.OrderedDict(
      (name, np.sqrt(mask.sum() / mask.shape[-1]))
      for name, mask in masks.items()
  )
  largest = max(inverse_scales.values())
  return collections.OrderedDict(
      (name, float(value / largest)) for name, value in inverse_scales.items()
  )


def network_options(
    options: hidenseek_options.HideNSeekOptions, seed: int
) -> seeded_network.NetworkOptions:
  """Returns what determines the pruned network among the options."""
  values = attrs.asdict(options)
  names = [field.name for field in attrs.fields(seeded_network.NetworkOptions)]
  return seeded_network.NetworkOptions(
      seed=seed, **{name: values[name] for name in names if name != 'seed'}
  )


def prune_network(
    task: federated_algorithm.LearningTask,
    options: hidenseek_options.HideNSeekOptions,
) -> PrunedNetwork:
  """Draws the random network and prunes it, without data.

  Args:
    task: What is learned; its seed draws the network.
    options: Density, construction and schedule of the mask.

  Returns:
    The pruned network.

  Raises:
    ValueError: If a layer is left without a weight.
  """
  drawn = network_options(options, task.seed)
  shapes = kernel_shapes.kernel_shapes(task.build_model)
  kernels = seeded_network.draw_kernels(shapes, drawn)
  masks = seeded_network.draw_masks(task.build_model, kernels, drawn)
  positions = collections.OrderedDict(
      (name, np.flatnonzero(mask).astype(np.int32))
      for name, mask in masks.items()
  )
  return PrunedNetwork(
      masks=masks,
      kept_positions=positions,
      kept_weights=seeded_network.draw_kept_weights(kernels, masks, drawn),
      initial_scores=seeded_network.draw_initial_scores(
          {name: kept.size for name, kept in positions.items()}, task.seed
      ),
  )
