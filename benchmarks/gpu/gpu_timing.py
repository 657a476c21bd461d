"""Seconds and memory of rounds of clients one by one, on a GPU."""

import statistics
import time
from typing import Any, Dict

from benchmarks.gpu import gpu_memory
from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from benchmarks import rounds


def time_rounds(
    device: str,
    client_threads: int,
    model: str,
    algorithm: str,
    clients: rounds.Clients,
    num_rounds: int,
    watch_memory=gpu_memory.peak_memory,
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

  Returns:
    Seconds of the first round, those of the others and their median; and on a
    GPU the most memory that it held, and what it held after each round.
  """
  gpu_parity.use_device(device, client_threads)
  memory = []
  with watch_memory(device) as get_memory:
    run_round = rounds.build_rounds(model, algorithm, clients)
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
