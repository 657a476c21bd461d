"""The systems that the benchmark compares, each in a process of its own."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from typing import Callable, List, Optional, Tuple

import attrs
import numpy as np
import psutil

# Clients and examples of each, after the models in `floor`.
WORKLOADS = {'W1': (50, 50), 'W2': (200, 50), 'W3': (2000, 20)}
MODELS = {'W1': 'cnn', 'W2': 'linear', 'W3': 'mlp'}
# The system `cohorts` is `in_process` with cohorts of so many clients, and
# `batched_floor` takes so many at a time.
COHORT_SIZES = {'W1': 5, 'W2': 25, 'W3': 25}
_BATCHED_CLIENTS = {'W2': 4, 'W3': 4}
FLOORS = ('floor', 'batched_floor')
_SEED = 0
_SAMPLE_SECONDS = 0.02


@attrs.frozen
class Measurement:
  """One round.

  Attributes:
    seconds: Wall-clock seconds.
    cpu_seconds: Processor seconds of the process and the workers it started.
    peak_mib: Most memory that these have held so far, in MiB.
  """

  seconds: float
  cpu_seconds: float
  peak_mib: float


def make_clients(num_clients: int, num_examples: int):
  """Makes random examples, the same for every system.

  Args:
    num_clients: How many clients, at least 1.
    num_examples: How many examples each has, at least 1.

  Returns:
    For each client its images, `float32[n, 32, 32, 3]` in [0, 1), and its
    labels, `int32[n]` in [0, 10).
  """
  rng = np.random.Generator(np.random.Philox(_SEED))
  return [
      (
          rng.random((num_examples, 32, 32, 3), np.float32),
          rng.integers(0, 10, num_examples, np.int32),
      )
      for _ in range(num_clients)
  ]


def _build_floor(
    workload: str, system: str, num_threads: int
) -> Callable[[], None]:
  """Returns what runs a round of FedAvg in bare TensorFlow."""
  # pylint: disable=g-import-not-at-top
  import tensorflow as tf
  from benchmarks import batched_floor
  from benchmarks import floor

  # pylint: enable=g-import-not-at-top
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(num_threads)
  initializer = tf.keras.initializers.HeNormal(_SEED)
  weights = [
      initializer(v.shape).numpy() if len(v.shape) > 1 else v.numpy()
      for v in floor.build_model(workload).trainable_variables
  ]
  clients = make_clients(*WORKLOADS[workload])
  if system == 'batched_floor':
    return batched_floor.BatchedFloorRounds(
        weights, clients, num_threads, _BATCHED_CLIENTS[workload]
    ).run_round
  clients = [(tf.constant(x), tf.constant(y)) for x, y in clients]
  return floor.FloorRounds(
      workload, weights, clients, num_threads
  ).run_round


def _build_rounds(
    workload: str, system: str, algorithm: str, num_threads: int
) -> Callable[[], None]:
  """Returns what runs a round of an algorithm on one of TFF's runtimes."""
  # pylint: disable=g-import-not-at-top
  import tensorflow_federated as tff
  from benchmarks import rounds
  from tff_hidenseek.runtimes import contexts

  # pylint: enable=g-import-not-at-top
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process' if system == 'cohorts' else system](
          contexts.RuntimeOptions(client_threads=num_threads)
      )
  )
  return rounds.build_rounds(
      MODELS[workload],
      algorithm,
      make_clients(*WORKLOADS[workload]),
      COHORT_SIZES[workload] if system == 'cohorts' else 1,
  )


class _Processes:
  """This process and all that it started: their processor time and memory."""

  def __init__(self):
    self._peak = 0
    self._this = psutil.Process()
    threading.Thread(target=self._watch_memory, daemon=True).start()

  def _all(self) -> List[psutil.Process]:
    return [self._this, *self._this.children(recursive=True)]

  def cpu_seconds(self) -> float:
    times = [process.cpu_times() for process in self._all()]
    return sum(t.user + t.system for t in times)

  def peak_mib(self) -> float:
    return self._peak / 2**20

  def _watch_memory(self):
    while True:
      try:
        total = sum(process.memory_info().rss for process in self._all())
      except psutil.NoSuchProcess:
        continue
      self._peak = max(self._peak, total)
      time.sleep(_SAMPLE_SECONDS)


def _serve(connection, workload, system, algorithm, num_threads):
  """Runs a round for every message, and answers with its measurement."""
  os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:num_threads])
  if system in FLOORS:
    run_round = _build_floor(workload, system, num_threads)
  else:
    run_round = _build_rounds(workload, system, algorithm, num_threads)
  run_round()  # Compiles.
  processes = _Processes()
  connection.send('ready')
  while connection.recv() == 'round':
    start, cpu_start = time.monotonic(), processes.cpu_seconds()
    run_round()
    seconds = time.monotonic() - start
    connection.send(
        Measurement(
            seconds, processes.cpu_seconds() - cpu_start, processes.peak_mib()
        )
    )


# What a process runs, in the checkout whose code is measured.
_PROGRAM = """
import sys
from multiprocessing import connection
from benchmarks import system_processes
pipe, workload, system, algorithm, num_threads = sys.argv[1:]
system_processes._serve(
    connection.Connection(int(pipe)),
    workload, system, algorithm, int(num_threads),
)
"""


def find_checkout(other: Optional[str]) -> Tuple[str, str]:
  """Returns the root of a version of the project, and its interpreter.

  Args:
    other: The folder of another version, with its `.venv`. None: this one.

  Raises:
    ValueError: If it has no interpreter.
  """
  if other is None:
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return root, sys.executable
  root = os.path.abspath(other)
  python = os.path.join(root, '.venv/bin/python')
  if not os.path.exists(python):
    raise ValueError(
        f'`other_checkout` must have an interpreter, found no {python}.'
    )
  return root, python


class System:
  """One system in its own process, idle between the rounds it is asked for.

  Attributes:
    workload: A key of `WORKLOADS`.
    system: `floor`, `batched_floor`, `cohorts` or a runtime's name.
    algorithm: The algorithm's name.
    num_threads: Clients that train at a time, and cores that they may use.
    checkout: The folder of the project whose code runs; None: this one.
    measurements: One for each round so far.
  """

  def __init__(
      self,
      workload: str,
      system: str,
      algorithm: str,
      num_threads: int,
      checkout: Optional[str] = None,
  ):
    """Starts the process and waits until its first round is over.

    Args:
      workload: A key of `WORKLOADS`.
      system: `floor`, `batched_floor`, `cohorts` or a runtime's name.
      algorithm: The algorithm's name; the floors run `fed_avg` alone.
      num_threads: Clients to train at a time, at most one a core.
      checkout: The root of another version of the project, with its `.venv`.
        None: this project and this interpreter.

    Raises:
      EOFError: If the process ends before.
      ValueError: If `checkout` has no interpreter.
    """
    self.workload, self.system, self.algorithm = workload, system, algorithm
    self.num_threads, self.checkout = num_threads, checkout
    self.measurements: List[Measurement] = []
    root, python = find_checkout(checkout)
    self._connection, theirs = multiprocessing.Pipe()
    self._process = subprocess.Popen(
        [python, '-c', _PROGRAM, str(theirs.fileno()), workload, system]
        + [algorithm, str(num_threads)],
        cwd=root,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    self._connection.recv()

  def run_round(self) -> None:
    """Runs and measures one round."""
    self._connection.send('round')
    self.measurements.append(self._connection.recv())

  def stop(self) -> None:
    """Ends the process."""
    self._connection.send('stop')
    self._process.wait()
