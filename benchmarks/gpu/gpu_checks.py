"""The checks of `gpu_check`, each of which returns what it measured.

They take the names of devices, so that they can be tried on CPUs.
"""

import time
from typing import Any, Dict, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from benchmarks.gpu import gpu_memory
from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from benchmarks import rounds
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import layer_sets
from tff_hidenseek.pruning import random_kernels
from tff_hidenseek.pruning import synflow

def check_hello(device: str) -> gpu_outcome.Outcome:
  """Runs the smallest federated computation, of integers and of floats."""

  @tff.tensorflow.computation(np.int32)
  def double(value):
    return value * 2

  @tff.tensorflow.computation(np.float32)
  def halve(value):
    return value / 2

  @tff.federated_computation(
      tff.FederatedType(np.int32, tff.CLIENTS),
      tff.FederatedType(np.float32, tff.CLIENTS),
  )
  def sum_up(integers, floats):
    return (
        tff.federated_sum(tff.federated_map(double, integers)),
        tff.federated_mean(tff.federated_map(halve, floats)),
    )

  gpu_parity.use_device(device)
  found = [x.item() for x in sum_up([1, 2, 3], [1.0, 2.0, 3.0])]
  return gpu_outcome.Outcome(
      found == [12, 1.0], f'found {found}', dict(found=found)
  )


def check_fed_avg_parity(
    devices: Sequence[str],
    model: str,
    clients: rounds.Clients,
    tolerance: float,
) -> gpu_outcome.Outcome:
  """Checks that FedAvg's weights after a round are the same on two devices.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    clients: For each client its images and labels.
    tolerance: The largest difference of a weight, relative to the largest
      change of a weight in the round.

  Returns:
    The outcome.
  """
  with gpu_parity.full_float32():
    numbers = gpu_parity.compare_fed_avg(devices, model, clients)
  found = numbers['largest_difference'] / numbers['largest_change']
  return gpu_outcome.Outcome(
      found <= tolerance,
      f'weights apart by {found:.1e} of their change (at most {tolerance:g})',
      dict(
          numbers,
          relative_difference=found,
          tolerance=tolerance,
          tensor_float_32=False,
      ),
  )


def check_hidenseek_parity(
    devices: Sequence[str],
    model: str,
    clients: rounds.Clients,
    tolerance: float,
    distance: float,
) -> gpu_outcome.Outcome:
  """Checks that HideNseek's votes in a round are the same on two devices.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    clients: For each client its images and labels.
    tolerance: The largest fraction of votes that may differ.
    distance: How far a move and its draw are apart, in units of the vote's
      range, where only a tenth as many votes may differ.

  Returns:
    The outcome.
  """
  with gpu_parity.full_float32():
    numbers = gpu_parity.compare_votes(devices, model, clients[0], distance)
    numbers.update(gpu_parity.compare_hidenseek(devices, model, clients))
  passed = (
      numbers['same_draws']
      and not numbers['votes_against_draw']
      and numbers['differing_votes'] <= tolerance
      and numbers['differing_certain_votes'] <= tolerance / 10
      and numbers['voted_otherwise'] <= len(clients) * tolerance
  )
  return gpu_outcome.Outcome(
      passed,
      f'{numbers["differing_votes"]:.1e} of votes differ (at most'
      f' {tolerance:g})',
      dict(
          numbers,
          tolerance=tolerance,
          distance=distance,
          tensor_float_32=False,
      ),
  )


def prune_on(
    device: str, build_model, density: float, num_iterations: int
) -> Dict[str, Any]:
  """Prunes a random net by SynFlow on a device.

  Args:
    device: The device's name.
    build_model: Makes the model from the layers it is given.
    density: The fraction of weights that is kept.
    num_iterations: The steps of the pruning.

  Returns:
    The `masks`, the `seconds`, and on a GPU the most memory held, `peak_mib`.
  """
  shapes = kernel_shapes.kernel_shapes(build_model)
  kernels = random_kernels.draw_kernels(shapes, 0, 'ternary')
  with tf.device(device), gpu_memory.peak_memory(device) as get_memory:
    start = time.monotonic()
    masks = synflow.build_synflow_mask(
        build_model(layer_sets.SaliencyLayers()),
        kernels,
        density,
        seed=0,
        num_iterations=num_iterations,
    )
    seconds = time.monotonic() - start
    return dict(masks=masks, seconds=seconds, peak_mib=get_memory('peak'))


def check_synflow(
    devices: Sequence[str],
    model: str,
    density: float,
    num_iterations: int,
    tolerance: float,
) -> gpu_outcome.Outcome:
  """Checks that SynFlow keeps the same weights on two devices.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    density: The fraction of weights that is kept.
    num_iterations: The steps of the pruning.
    tolerance: The largest fraction of weights that may be kept on one device
      alone: those whose saliency ties with the last one kept, but for rounding.

  Returns:
    The outcome.
  """
  build_model = rounds.build_task(model).build_model
  found = [
      prune_on(device, build_model, density, num_iterations)
      for device in devices
  ]
  first, second = [
      np.concatenate([mask.ravel() for mask in each.pop('masks').values()])
      for each in found
  ]
  differ = float(np.mean(first != second))
  seconds = ', '.join(f'{each["seconds"]:.1f}' for each in found)
  return gpu_outcome.Outcome(
      differ <= tolerance and np.count_nonzero(first) > 0,
      f'{seconds} s on {", ".join(devices)}; {differ:.1e} of masks differ',
      dict(
          weights=int(first.size),
          kept=int(np.count_nonzero(first)),
          iterations=num_iterations,
          differing=differ,
          tolerance=tolerance,
          devices=dict(zip(devices, found)),
      ),
  )
