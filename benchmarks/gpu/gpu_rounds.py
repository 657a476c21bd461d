"""Seconds of rounds on a GPU: client by client, in turn and at once."""

import contextlib
import statistics
import time
from typing import Any, Dict, Sequence

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from benchmarks.gpu import gpu_memory
from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from benchmarks import rounds
from benchmarks import system_processes
from tff_hidenseek.runtimes import in_process

ALGORITHMS = ('hidenseek', 'fed_avg')
_MOST_ROUNDS = 5


@attrs.frozen
class Way:
  """A way to run a round.

  Attributes:
    training: How the clients of a cohort train: see `cohort_process`.
    cohort_size: Clients that one program trains; 1 is a program a client.
    threads: Cohorts or clients to run at a time.
    num_clients: Clients that take part; 0 is all.
    tensor_float_32: Whether products are taken with 10 bits of the mantissa.
  """

  training: str
  cohort_size: int
  threads: int
  num_clients: int = 0
  tensor_float_32: bool = True

  def __str__(self) -> str:
    words = f'{self.training}_{self.cohort_size}x{self.threads}'
    if self.num_clients:
      words += f'_of_{self.num_clients}'
    return words if self.tensor_float_32 else f'{words}_float32'


# Those that matter most first: time may run out.
WAYS = {
    'W1': [
        Way('in_turn', 1, 4),
        Way('at_once', 50, 1),
        Way('at_once', 25, 2),
        Way('at_once', 10, 4),
        Way('at_once', 50, 1, tensor_float_32=False),
        Way('in_turn', 13, 4),
        Way('in_turn', 1, 1),
    ],
    'W2': [
        Way('in_turn', 1, 4),
        Way('at_once', 200, 1),
        Way('at_once', 100, 2),
        Way('at_once', 50, 4),
        Way('in_turn', 50, 4),
        Way('in_turn', 1, 1),
    ],
    # Two thousand clients take too long one by one.
    'W3': [
        Way('in_turn', 1, 4, 200),
        Way('at_once', 500, 2),
        Way('at_once', 250, 4),
        Way('at_once', 1000, 1),
        Way('at_once', 100, 4),
        Way('at_once', 2000, 1),
        Way('in_turn', 50, 4, 200),
    ],
}

# XLA may compile for long.
COMPILED_WAYS = {
    'W1': [Way('compiled', 50, 1)],
    'W2': [Way('compiled', 200, 1)],
    'W3': [Way('compiled', 500, 2)],
}


def check_rounds(
    device: str,
    workload: str,
    algorithm: str,
    ways: Sequence[Way],
    most_seconds: float,
) -> gpu_outcome.Outcome:
  """Measures rounds of a workload, and prints each as it is known.

  Args:
    device: The device's name.
    workload: A key of `system_processes.WORKLOADS`.
    algorithm: A name in `registry.ALGORITHMS`.
    ways: How to run rounds.
    most_seconds: Seconds after which no other way is begun, once the algorithm
      is built.

  Returns:
    The outcome, passed if all ways that were begun ran.
  """
  start = time.monotonic()
  clients = system_processes.make_clients(
      *system_processes.WORKLOADS[workload]
  )
  simulation = rounds.Rounds(
      system_processes.MODELS[workload], algorithm, clients
  )
  simulation.keep_on(device)
  seconds = time.monotonic() - start
  print(f'  {workload} {algorithm} built in {seconds:.1f} s', flush=True)
  start = time.monotonic()
  numbers: Dict[str, Any] = {}
  contexts: Dict[int, tff.framework.SyncContext] = {}
  for way in ways:
    if time.monotonic() - start > most_seconds:
      break
    if way.threads not in contexts:
      contexts[way.threads] = in_process.create_in_process_context(
          way.threads, [device]
      )
    tff.framework.set_default_context(contexts[way.threads])
    try:
      found = _time(device, simulation, way, len(clients), most_seconds / 8)
      words = (
          f'{1e3 * found["median_seconds"]:.1f} ms, first '
          f'{found["first_seconds"]:.1f} s'
      )
      if found['peak_mib'] is not None:
        words += f', {found["peak_mib"]:.0f} MiB'
    # Such as too little memory: other ways go on.
    except Exception as error:  # pylint: disable=broad-except
      found = dict(error=f'{type(error).__name__}: {error}'[:1000])
      words = found['error'].splitlines()[0][:60]
    numbers[str(way)] = found
    print(f'  {workload} {algorithm} {way}: {words}', flush=True)
  timed = {k: v for k, v in numbers.items() if 'error' not in v}
  if not timed:
    return gpu_outcome.Outcome(False, 'no way ran', numbers)
  best = min(
      (v['median_seconds'] / v['num_clients'], k) for k, v in timed.items()
  )
  return gpu_outcome.Outcome(
      len(timed) == len(numbers),
      f'best {best[1]}, {1e3 * best[0] * len(clients):.1f} ms a round of '
      f'{len(clients)}',
      numbers,
  )


def _time(
    device: str,
    simulation: rounds.Rounds,
    way: Way,
    num_clients: int,
    most_seconds: float,
) -> Dict[str, Any]:
  """Times rounds, one at least, after one that compiles."""
  num_clients = way.num_clients or num_clients
  precision = (
      contextlib.nullcontext()
      if way.tensor_float_32
      else gpu_parity.full_float32()
  )
  seconds = []
  with precision, gpu_memory.peak_memory(device) as get_memory:
    while not seconds[1:] or (
        len(seconds) <= _MOST_ROUNDS and sum(seconds[1:]) < most_seconds
    ):
      start = time.monotonic()
      simulation.run(num_clients, way.cohort_size, training=way.training)
      seconds.append(time.monotonic() - start)
    peak = get_memory('peak')
  return dict(
      num_clients=num_clients,
      first_seconds=seconds[0],
      seconds=seconds[1:],
      median_seconds=statistics.median(seconds[1:]),
      peak_mib=peak,
  )


def check_at_once_parity(
    device: str,
    model: str,
    algorithm: str,
    clients: rounds.Clients,
    tolerance: float,
) -> gpu_outcome.Outcome:
  """Compares a round of clients at once with one of clients one by one.

  Args:
    device: The device's name.
    model: A name in `architectures.MODELS`.
    algorithm: `fed_avg` or `hidenseek`.
    clients: For each client its images and labels.
    tolerance: How far weights may be apart, of their largest change; of
      HideNseek, the fraction of scores on which a client may vote otherwise.

  Returns:
    The outcome, which goes by products in full float32. Those in TensorFloat-32
    are among its numbers.
  """
  gpu_parity.use_device(device)
  simulation = rounds.Rounds(model, algorithm, clients)
  first = tf.nest.flatten(simulation.state)

  def run(cohort_size: int, training: str):
    simulation.restart()
    simulation.run(len(clients), cohort_size, training=training)
    return tf.nest.flatten(simulation.state)

  def compare(a, b) -> float:
    if algorithm == 'hidenseek':
      return float(np.mean(np.abs(a[0] - b[0]) > 1e-5))
    largest = max(np.abs(x - y).max() for x, y in zip(a, first))
    return float(max(np.abs(x - y).max() for x, y in zip(a, b)) / largest)

  with gpu_parity.full_float32():
    alone = run(1, 'in_turn')
    apart = compare(alone, run(len(clients), 'at_once'))
    compiled_apart = compare(alone, run(len(clients), 'compiled'))
  rough_apart = compare(alone, run(len(clients), 'at_once'))
  return gpu_outcome.Outcome(
      max(apart, compiled_apart) <= tolerance,
      f'apart by {apart:.1e}, compiled {compiled_apart:.1e} (at most '
      f'{tolerance}); TF32 {rough_apart:.1e}',
      dict(
          apart=apart,
          compiled_apart=compiled_apart,
          tensor_float_32_apart=rough_apart,
          tolerance=tolerance,
      ),
  )
