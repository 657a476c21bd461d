"""SynFlow: pruning without data, by what flows through a weight.

Tanaka et al., Pruning neural networks without any data by iteratively
conserving synaptic flow, https://arxiv.org/abs/2006.05467.

The magnitudes must be random. If those of a layer are all equal, saliencies tie
in masses, and the mask is decided by indices and rounding, not by the seed.
"""

from typing import Callable, Dict, Iterable, List, Mapping

import numpy as np
import tensorflow as tf

from tff_hidenseek.pruning import checks
from tff_hidenseek.pruning import top_k

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
  def saliency_fn():
    with tf.GradientTape() as tape:
      flow = tf.reduce_sum(model(ones))
    gradients = tape.gradient(flow, kernels)
    return [tf.abs(g * kernel) for g, kernel in zip(gradients, kernels)]

  return saliency_fn


def build_synflow_mask(
    model: tf.keras.Model,
    kernels: Mapping[str, np.ndarray],
    density: float,
    *,
    seed: int,
    num_iterations: int,
) -> Dict[str, np.ndarray]:
  """Keeps the weights with the largest saliency; see `masks.MASK_FNS`.

  After iteration t, density**(t / num_iterations) of the weights are left. The
  kernels of `model` are overwritten.
  """
  del seed  # The kernels are the only randomness.
  checks.check_arguments(density, num_iterations)
  bounds = np.cumsum([0] + [kernel.size for kernel in kernels.values()])
  magnitudes = np.concatenate([np.abs(k).ravel() for k in kernels.values()])
  saliency_fn = build_saliency_fn(model, kernels)
  survivors = np.arange(magnitudes.size)
  for iteration in range(1, num_iterations + 1):
    for name, start, end in zip(kernels, bounds, bounds[1:]):
      masked = magnitudes[start:end].reshape(kernels[name].shape)
      model.get_layer(name).kernel.assign(masked)
    saliencies = np.concatenate([s.numpy().ravel() for s in saliency_fn()])
    saliencies = _drop_last_bits(saliencies[survivors])
    num_kept = round(density ** (iteration / num_iterations) * magnitudes.size)
    is_kept = top_k.keep_largest(saliencies, num_kept)
    magnitudes[survivors[~is_kept]] = 0
    survivors = survivors[is_kept]
    num_kept_by_layer = np.diff(np.searchsorted(survivors, bounds))
    checks.check_no_layer_is_empty(
        dict(zip(kernels, num_kept_by_layer)), density, num_iterations
    )
  mask = magnitudes > 0
  return {
      name: mask[start:end].reshape(kernels[name].shape)
      for name, start, end in zip(kernels, bounds, bounds[1:])
  }


def _drop_last_bits(values):
  """Rounds values that are not negative to fewer significant bits."""
  bits = values.view(np.int64) + (1 << (_NUM_IGNORED_BITS - 1))
  bits >>= _NUM_IGNORED_BITS
  bits <<= _NUM_IGNORED_BITS
  return bits.view(np.float64)
