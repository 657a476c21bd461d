"""Simulations of a given size, each alone in a process of its own."""

import multiprocessing
import statistics
import threading
import time
from typing import List, Tuple

import attrs
import numpy as np
import psutil

_SAMPLE_SECONDS = 0.05
_MIB = 2**20


@attrs.frozen(kw_only=True)
class Size:
  """What is simulated.

  Attributes:
    algorithm: The algorithm's name.
    model: The model's name.
    image_shape: `(height, width, channels)` of the random images.
    num_clients: Clients in the federation.
    cohort: Clients in a round.
    examples_per_client: Images of each client.
    cohort_size: Clients that one program trains.
  """

  algorithm: str = 'hidenseek'
  model: str = 'cnn'
  image_shape: Tuple[int, int, int] = (8, 8, 1)
  num_clients: int = 100
  cohort: int = 10
  examples_per_client: int = 20
  cohort_size: int = 1


@attrs.frozen
class Timing:
  """What rounds cost.

  Attributes:
    num_weights: Weights of the model's kernels.
    seconds_per_round: Median over rounds.
    peak_mib: Most memory held during them, in MiB.
  """

  num_weights: int
  seconds_per_round: float
  peak_mib: float


def time_rounds(size: Size, num_rounds: int) -> Timing:
  """Times rounds after a first one, which compiles.

  Args:
    size: What is simulated.
    num_rounds: The least number of timed rounds; more fill a second.

  Returns:
    What they cost.
  """
  return _run_alone(_time_rounds, size, num_rounds)


def trace_memory(size: Size, num_rounds: int) -> List[Tuple[float, float]]:
  """Follows the memory of rounds, after ten of ten clients.

  Args:
    size: What is simulated.
    num_rounds: The number of rounds.

  Returns:
    Pairs of the rounds done, with a fraction for the present one, and MiB held.
    The clients' data is in memory from the start.
  """
  return _run_alone(_trace_memory, size, num_rounds)


def _run_alone(function, *arguments):
  """Returns what `function` sends from a new process."""
  context = multiprocessing.get_context('spawn')
  ours, theirs = context.Pipe(duplex=False)
  process = context.Process(target=function, args=(theirs, *arguments))
  process.start()
  theirs.close()
  result = ours.recv()
  process.join()
  return result


def _build_simulation(size: Size):
  """Returns what starts a run with a given cohort; all data is in memory."""
  # pylint: disable=g-import-not-at-top
  import tensorflow_federated as tff
  from tff_hidenseek.data import image_dataset
  from tff_hidenseek.data import partitions
  from tff_hidenseek.experiments import config as config_lib
  from tff_hidenseek.experiments import federation as federation_lib
  from tff_hidenseek.experiments import training_loop
  from tff_hidenseek.experiments import training_run
  from tff_hidenseek.runtimes import contexts

  # pylint: enable=g-import-not-at-top
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions())
  )
  config = config_lib.build_config(
      dict(
          algorithm=size.algorithm,
          model=size.model,
          num_clients=size.num_clients,
          batch_size=10,
      )
  )
  rng = np.random.Generator(np.random.Philox(0))
  num_examples = size.num_clients * size.examples_per_client
  x = rng.random((num_examples, *size.image_shape), np.float32)
  y = rng.integers(0, 10, num_examples, np.int32)
  shares = tuple(np.split(np.arange(num_examples), size.num_clients))
  federation = federation_lib.Federation(
      image_dataset.ImageDataset('random', x, y, x[:10], y[:10], 10),
      partitions.Partition(shares, shares),
      num_unseen_clients=0,
  )
  for client_id in federation.seen_clients:
    federation.train_data(client_id)
  algorithm = training_loop.build_algorithm(config, federation)

  def start_run(cohort):
    return training_run.TrainingRun(
        attrs.evolve(config, clients_per_round=cohort),
        algorithm,
        federation,
        size.cohort_size,
    )

  return start_run


def _time_rounds(connection, size, num_rounds):
  run = _build_simulation(size)(size.cohort)
  run.train_round(1)
  memory = _Memory()
  seconds = []
  while len(seconds) < num_rounds or sum(seconds) < 1:
    start = time.monotonic()
    run.train_round(len(seconds) + 2)
    seconds.append(time.monotonic() - start)
  connection.send(
      Timing(
          run.algorithm.num_weights,
          statistics.median(seconds),
          max(mib for _, mib in memory.samples()),
      )
  )


def _trace_memory(connection, size, num_rounds):
  start_run = _build_simulation(size)
  run = start_run(10)
  for round_num in range(1, 11):
    run.train_round(round_num)
  run = start_run(size.cohort)
  memory = _Memory()
  ends = [time.monotonic()]
  for round_num in range(11, num_rounds + 11):
    run.train_round(round_num)
    ends.append(time.monotonic())
  times, mib = zip(*memory.samples())
  done = np.interp(times, ends, np.arange(num_rounds + 1))
  connection.send([(round(float(d), 3), m) for d, m in zip(done, mib)])


class _Memory:
  """Samples the memory of this process from now on."""

  def __init__(self):
    self._samples = []
    self._process = psutil.Process()
    self._is_over = threading.Event()
    self._thread = threading.Thread(target=self._watch, daemon=True)
    self._thread.start()

  def _watch(self):
    while True:
      mib = self._process.memory_info().rss / _MIB
      self._samples.append((time.monotonic(), mib))
      if self._is_over.wait(_SAMPLE_SECONDS):
        return

  def samples(self) -> List[Tuple[float, float]]:
    """Stops; returns pairs of the monotonic time and MiB."""
    self._is_over.set()
    self._thread.join()
    return self._samples
