"""Times rounds on every runtime beside bare TensorFlow, in alternation.

python -m binaries.benchmark --workloads=W1,W2 \
    --systems=floor,in_process,worker --algorithms=fed_avg,hidenseek \
    --rounds=8 --output=benchmark.json

W1: 50 clients of 50 images 32x32x3, a CNN of 1.6 million weights. W2: 200
clients of 50 such images, one dense layer. One epoch, batches of 10.
"""

import json
import os
import statistics
from typing import Any, Dict, List, Sequence

from absl import flags

from binaries import benchmark_systems
from binaries import command_line

_WORKLOADS = flags.DEFINE_list('workloads', ['W1', 'W2'], 'What is run.')
_SYSTEMS = flags.DEFINE_list(
    'systems', ['floor', 'in_process', 'worker'], 'What runs it.'
)
_ALGORITHMS = flags.DEFINE_list(
    'algorithms', ['fed_avg', 'hidenseek'], 'Algorithms; the floor is FedAvg.'
)
_ROUNDS = flags.DEFINE_integer(
    'rounds', 8, 'Timed rounds of each.', lower_bound=1
)
_THREADS = flags.DEFINE_list(
    'client_threads',
    None,
    'Clients trained at a time, on as many cores; several numbers, such as 1,2,'
    ' are compared. Default: the number of cores.',
)
_OUTPUT = flags.DEFINE_string('output', None, 'A JSON file for the rows.')


def _measure(
    workload: str, thread_counts: Sequence[int]
) -> List[Dict[str, Any]]:
  """Returns the rows of one workload."""
  systems = []
  for num_threads in thread_counts:
    for name in _SYSTEMS.value:
      for algorithm in ['fed_avg'] if name == 'floor' else _ALGORITHMS.value:
        systems.append(
            benchmark_systems.System(workload, name, algorithm, num_threads)
        )
  for _ in range(_ROUNDS.value):
    for system in systems:
      system.run_round()
  for system in systems:
    system.stop()
  floors = {s.num_threads: s for s in systems if s.system == 'floor'}
  return [
      _summarize(system, floors.get(system.num_threads)) for system in systems
  ]


def _summarize(system, floor) -> Dict[str, Any]:
  """Returns the row of a system: medians over rounds, and the highest peak."""
  seconds = [m.seconds for m in system.measurements]
  num_clients, _ = benchmark_systems.WORKLOADS[system.workload]
  ratio = None
  if floor is not None:
    # Round by round: neighbours in time share the machine's state.
    ratio = statistics.median(
        own / bare.seconds for own, bare in zip(seconds, floor.measurements)
    )
  return dict(
      workload=system.workload,
      system=system.system,
      algorithm=system.algorithm,
      client_threads=system.num_threads,
      seconds_per_round=statistics.median(seconds),
      cpu_seconds_per_round=statistics.median(
          m.cpu_seconds for m in system.measurements
      ),
      ms_per_client=1000 * statistics.median(seconds) / num_clients,
      peak_mib=max(m.peak_mib for m in system.measurements),
      ratio_to_floor=ratio,
  )


def _format_table(rows: Sequence[Dict[str, Any]]) -> str:
  """Formats the rows for a terminal of 80 columns."""
  lines = [
      f'{"":<24}{"threads":>7}{"s/round":>9}{"cpu s":>8}{"ms/client":>11}'
      f'{"MiB":>8}{"x floor":>9}'
  ]
  for row in rows:
    name = f'{row["workload"]} {row["system"]} {row["algorithm"]}'
    ratio = row['ratio_to_floor']
    lines.append(
        f'{name:<24}{row["client_threads"]:>7}{row["seconds_per_round"]:>9.3f}'
        f'{row["cpu_seconds_per_round"]:>8.3f}{row["ms_per_client"]:>11.2f}'
        f'{row["peak_mib"]:>8.0f}'
        + ('' if ratio is None else f'{ratio:>9.2f}')
    )
  return '\n'.join(lines)


def _check(name: str, values: Sequence[str], allowed: Sequence[str]) -> None:
  for value in values:
    if value not in allowed:
      raise ValueError(
          f'`{name}` must be among {", ".join(allowed)}, found {value!r}.'
      )


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    _check('workloads', _WORKLOADS.value, list(benchmark_systems.WORKLOADS))
    _check('systems', _SYSTEMS.value, ['floor', 'in_process', 'worker'])
    num_cores = len(os.sched_getaffinity(0))
    allowed = [str(count + 1) for count in range(num_cores)]
    thread_counts = _THREADS.value or allowed[-1:]
    _check('client_threads', thread_counts, allowed)
  rows = []
  for workload in _WORKLOADS.value:
    rows += _measure(workload, [int(count) for count in thread_counts])
    if _OUTPUT.value:
      with open(_OUTPUT.value, 'w', encoding='utf-8') as output:
        json.dump(rows, output, indent=1)
  print(_format_table(rows))


if __name__ == '__main__':
  command_line.run(main)
