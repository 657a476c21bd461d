"""Seconds and memory of rounds, on a GPU and on the same machine's CPU."""

import contextlib
import os
import statistics
import time
from typing import Any, Callable, Dict, Iterator, Sequence

from benchmarks.gpu import gpu_memory
from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from benchmarks import rounds
from benchmarks import system_processes

ALGORITHMS = ('hidenseek', 'fed_avg')


def time_rounds(
    device: str,
    client_threads: int,
    model: str,
    algorithm: str,
    clients: rounds.Clients,
    num_rounds: int,
    watch_memory=gpu_memory.peak_memory,
    cohort_size: int = 1,
) -> Dict[str, Any]:
  """Times rounds on a device, after a first one that compiles.

  Args:
    device: The device's name.
    client_threads: Clients to run at a time.
    model: A name in `architectures.MODELS`.
    algorithm: A name in `registry.ALGORITHMS`.
    clients: For each client its images and labels.
    num_rounds: How many rounds are timed.
    watch_memory: Reads the device's memory: see `gpu_memory.peak_memory`.
    cohort_size: Clients that one program trains; 1 is a program a client.

  Returns:
    Seconds of the first round, those of the others and their median; and on a
    GPU the most memory that it held, and what it held after each round.
  """
  gpu_parity.use_device(device, client_threads)
  memory = []
  with watch_memory(device) as get_memory:
    run_round = rounds.build_rounds(
        model, algorithm, clients, cohort_size, copies_examples=True
    )
    seconds = []
    for _ in range(1 + num_rounds):
      start = time.monotonic()
      run_round()
      seconds.append(time.monotonic() - start)
      memory.append(get_memory('current'))
    peak = get_memory('peak')
  return dict(
      first_seconds=seconds[0],
      seconds=seconds[1:],
      median_seconds=statistics.median(seconds[1:]),
      peak_mib=peak,
      mib_after_rounds=memory,
  )


def check_seconds(
    device: str,
    client_threads: Sequence[int],
    workload: str,
    num_rounds: int,
    time_on_cpu: Callable[[str, str, int], Dict[str, Any]],
) -> gpu_outcome.Outcome:
  """Measures rounds of a workload on a device and on the CPU.

  On the device client by client, and in cohorts.

  Args:
    device: The device's name.
    client_threads: The numbers of clients to run at a time on it.
    workload: A key of `system_processes.WORKLOADS`.
    num_rounds: How many rounds are timed of each.
    time_on_cpu: Such as `time_in_own_process`.

  Returns:
    The outcome, passed if all rounds ran.
  """
  clients = system_processes.make_clients(
      *system_processes.WORKLOADS[workload]
  )
  cohort_size = system_processes.COHORT_SIZES[workload]
  sizes = {1: '', cohort_size: f'_in_cohorts_of_{cohort_size}'}
  numbers, words = {}, []
  for algorithm in ALGORITHMS:
    on_device = {
        f'{threads}_at_a_time{words_of_size}': time_rounds(
            device,
            threads,
            system_processes.MODELS[workload],
            algorithm,
            clients,
            num_rounds,
            cohort_size=size,
        )
        for size, words_of_size in sizes.items()
        for threads in client_threads
    }
    on_cpu = time_on_cpu(workload, algorithm, num_rounds)
    numbers[algorithm] = dict(device=on_device, cpu=on_cpu)
    best = min(x['median_seconds'] for x in on_device.values())
    words.append(f'{algorithm} {best:.2f}, CPU {on_cpu["median_seconds"]:.2f}')
  return gpu_outcome.Outcome(True, 's a round: ' + '; '.join(words), numbers)


def time_in_own_process(
    workload: str, algorithm: str, num_rounds: int
) -> Dict[str, Any]:
  """Times rounds on all cores, in a process that sees no GPU."""
  num_cores = len(os.sched_getaffinity(0))
  with _environment('CUDA_VISIBLE_DEVICES', '-1'):
    system = system_processes.System(
        workload, 'in_process', algorithm, num_cores
    )
  for _ in range(num_rounds):
    system.run_round()
  system.stop()
  seconds = [m.seconds for m in system.measurements]
  return dict(
      seconds=seconds,
      median_seconds=statistics.median(seconds),
      peak_mib=max(m.peak_mib for m in system.measurements),
      cores=num_cores,
  )


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
  before = os.environ.get(name)
  os.environ[name] = value
  try:
    yield
  finally:
    if before is None:
      del os.environ[name]
    else:
      os.environ[name] = before


def check_memory(
    device: str,
    model: str,
    clients: rounds.Clients,
    num_rounds: int,
    tolerance_mib: float,
    watch_memory=gpu_memory.peak_memory,
) -> gpu_outcome.Outcome:
  """Checks that rounds of HideNseek leave no memory behind on a device.

  And that TensorFlow has not taken all of it: others use the device too.

  Args:
    device: The device's name.
    model: A name in `architectures.MODELS`.
    clients: For each client its images and labels.
    num_rounds: How many rounds are run after the first.
    tolerance_mib: The most MiB that these rounds may leave together.
    watch_memory: Reads the device's memory: see `gpu_memory.peak_memory`.

  Returns:
    The outcome.
  """
  timed = time_rounds(
      device, 1, model, 'hidenseek', clients, num_rounds, watch_memory
  )
  memory = timed['mib_after_rounds']
  growth = memory[-1] - memory[0]
  grows = gpu_memory.grows(device)
  return gpu_outcome.Outcome(
      growth <= tolerance_mib and grows is not False,
      f'{growth:.2f} MiB more after {num_rounds} rounds, peak'
      f' {timed["peak_mib"]:.0f} MiB',
      dict(
          set_memory_growth=grows,
          mib_after_rounds=memory,
          growth_mib=growth,
          peak_mib=timed['peak_mib'],
          tolerance_mib=tolerance_mib,
      ),
  )
