"""SynFlow: pruning without data, by what flows through a weight.

Tanaka et al., Pruning neural networks without any data by iteratively
conserving synaptic flow, https://arxiv.org/abs/2006.05467.

The magnitudes must be random. If those of a layer are all equal, saliencies tie
in masses, and the mask is decided by indices and rounding, not by the seed.
"""

from typing import Callable, Dict, Iterable, List, Mapping

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tff_hidenseek.pruning import selection

# Saliencies are ranked by their leading bits, so that those which are equal but
# for rounding (all weights of a path without branches) tie on every machine.
_NUM_IGNORED_BITS = 20


def build_saliency_fn(
    model: tf.keras.Model, layer_names: Iterable[str]
) -> Callable[[], List[tf.Tensor]]:
  """Builds a function that computes the saliencies of a model's weights.

  Args:
    model: A model of `layer_sets.SaliencyLayers`, with kernels that are not
      negative.
    layer_names: The layers whose saliencies are wanted.

  Returns:
    A function without arguments that returns, for each of the layers,
    |dR/dW * W|: W is the kernel, and R is the sum of the outputs for an input
    of ones.
  """
  kernels = [model.get_layer(name).kernel for name in layer_names]
  ones = tf.ones([1, *model.input_shape[1:]], model.dtype)

  @tf.function
  def saliency_fn() -> List[tf.Tensor]:
    with tf.GradientTape() as tape:
      flow = tf.reduce_sum(model(ones))
    gradients = tape.gradient(flow, kernels)
    return [tf.abs(g * kernel) for g, kernel in zip(gradients, kernels)]

  return saliency_fn


def build_synflow_mask(
    model: tf.keras.Model,
    kernels: Mapping[str, npt.NDArray[np.float64]],
    density: float,
    *,
    seed: int,
    num_iterations: int,
) -> Dict[str, npt.NDArray[np.bool_]]:
  """Keeps the weights with the largest saliency; see `masks.MASK_FNS`.

  After iteration t, density**(t / num_iterations) of the weights are left. The
  kernels of `model` are overwritten.

  Before each iteration a layer is scaled to pass a flow as large as it gets on
  average, as its frozen weights will be. In a chain of layers this changes no
  mask. In a residual net it keeps a branch comparable to the shortcut that it
  is added to; unscaled, the shortcuts with weights would lose them all.
  """
  del seed  # The kernels are the only randomness.
  selection.check_arguments(density, num_iterations)
  magnitudes = {name: np.abs(kernel) for name, kernel in kernels.items()}
  survivors: Dict[str, npt.NDArray[np.intp]] = {
      name: np.arange(k.size) for name, k in kernels.items()
  }
  total = sum(kernel.size for kernel in kernels.values())
  saliency_fn = build_saliency_fn(model, kernels)
  for iteration in range(1, num_iterations + 1):
    for name, magnitude in magnitudes.items():
      magnitude *= magnitude.shape[-1] / magnitude.sum()
      model.get_layer(name).kernel.assign(magnitude)
    saliencies = np.concatenate([
        saliency.numpy().ravel()[indices]
        for saliency, indices in zip(saliency_fn(), survivors.values())
    ])
    _round_to_leading_bits(saliencies)
    num_kept = round(density ** (iteration / num_iterations) * total)
    is_kept = selection.keep_largest(saliencies, num_kept)
    ends = np.cumsum([indices.size for indices in survivors.values()])
    for name, part in zip(kernels, np.split(is_kept, ends[:-1])):
      np.put(magnitudes[name], survivors[name][~part], 0)
      survivors[name] = survivors[name][part]
    num_kept_by_layer = {name: x.size for name, x in survivors.items()}
    selection.check_no_layer_is_empty(
        num_kept_by_layer, density, num_iterations
    )
  return {name: magnitude > 0 for name, magnitude in magnitudes.items()}


def _round_to_leading_bits(values: npt.NDArray[np.float64]) -> None:
  """Rounds floats that are not negative to fewer significant bits, in place."""
  bits = values.view(np.int64)
  bits += 1 << (_NUM_IGNORED_BITS - 1)
  bits >>= _NUM_IGNORED_BITS
  bits <<= _NUM_IGNORED_BITS
