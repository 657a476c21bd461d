"""Times rounds on every runtime beside bare TensorFlow, in alternation.

python -m benchmarks.systems --workloads=W1,W2 \
    --systems=floor,in_process,worker --algorithms=fed_avg,hidenseek \
    --rounds=8 --output=benchmark.json

W1: 50 clients of 50 images 32x32x3, a CNN of 1.6 million weights. W2: 200
clients of 50 such images, one dense layer. W3: 2,000 clients of 20 such images,
LeNet-300-100. One epoch, batches of 10. The system `cohorts` is `in_process`
with programs that train several clients; `batched_floor` (W2 and W3) is bare
TensorFlow whose weights have an axis of clients.
"""

import os
import statistics
from typing import Any, Dict, List, Optional, Sequence

from absl import flags

from benchmarks import system_processes
from tff_hidenseek.commands import command_line
from tff_hidenseek import files

_WORKLOADS = flags.DEFINE_list('workloads', ['W1', 'W2'], 'What is run.')
_SYSTEMS = flags.DEFINE_list(
    'systems', ['floor', 'in_process', 'worker'], 'What runs it.'
)
_ALGORITHMS = flags.DEFINE_list(
    'algorithms', ['fed_avg', 'hidenseek'], 'Algorithms; the floors are FedAvg.'
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
_OTHER = flags.DEFINE_string(
    'other_checkout',
    None,
    'The folder of another version of this project, with its own .venv: what'
    ' runs here runs there too, round by round in turn.',
)
_OUTPUT = flags.DEFINE_string('output', None, 'A JSON file for the rows.')


def _measure(
    workload: str, thread_counts: Sequence[int]
) -> List[Dict[str, Any]]:
  """Returns the rows of one workload."""
  systems = []
  for num_threads in thread_counts:
    for name in _SYSTEMS.value:
      is_floor = name in system_processes.FLOORS
      for algorithm in ['fed_avg'] if is_floor else _ALGORITHMS.value:
        for checkout in dict.fromkeys([None, _OTHER.value]):
          systems.append(
              system_processes.System(
                  workload, name, algorithm, num_threads, checkout
              )
          )
  for _ in range(_ROUNDS.value):
    for system in systems:
      system.run_round()
  for system in systems:
    system.stop()
  found = {
      (s.system, s.algorithm, s.num_threads, s.checkout): s for s in systems
  }
  rows = []
  for system in systems:
    threads, checkout = system.num_threads, system.checkout
    floor = found.get(('floor', 'fed_avg', threads, checkout))
    other = None
    if _OTHER.value and checkout is None:
      other = found[system.system, system.algorithm, threads, _OTHER.value]
    rows.append(_summarize(system, floor, other))
  return rows


def _median_ratio(system, other) -> Optional[float]:
  """Returns the median ratio of seconds, None where there is no other.

  Round by round: neighbours in time share the machine's state.
  """
  if other is None:
    return None
  return statistics.median(
      own.seconds / theirs.seconds
      for own, theirs in zip(system.measurements, other.measurements)
  )


def _summarize(system, floor, other) -> Dict[str, Any]:
  """Returns the row of a system: medians over rounds, and the highest peak."""
  num_clients, _ = system_processes.WORKLOADS[system.workload]
  seconds = [m.seconds for m in system.measurements]
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
      ratio_to_floor=_median_ratio(system, floor),
      other_checkout=bool(system.checkout),
      ratio_to_other_checkout=_median_ratio(system, other),
  )


def _format_table(rows: Sequence[Dict[str, Any]]) -> str:
  """Formats the rows for a terminal of 80 columns."""
  lines = [
      f'{"":<29}{"threads":>7}{"s/round":>8}{"cpu s":>6}{"ms/client":>10}'
      f'{"MiB":>5}{"x floor":>8}' + (f'{"x old":>6}' if _OTHER.value else '')
  ]
  for row in rows:
    name = f'{row["workload"]} {row["system"]} {row["algorithm"]}'
    line = (
        f'{name + (" (old)" if row["other_checkout"] else ""):<29}'
        f'{row["client_threads"]:>7}{row["seconds_per_round"]:>8.3f}'
        f'{row["cpu_seconds_per_round"]:>6.2f}{row["ms_per_client"]:>10.2f}'
        f'{row["peak_mib"]:>5.0f}'
    )
    for ratio, width in [('ratio_to_floor', 8), ('ratio_to_other_checkout', 6)]:
      value = '' if row[ratio] is None else f'{row[ratio]:.2f}'
      line += f'{value:>{width}}'
    lines.append(line.rstrip())
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
    _check('workloads', _WORKLOADS.value, list(system_processes.WORKLOADS))
    allowed = [*system_processes.FLOORS, 'in_process', 'cohorts', 'worker']
    _check('systems', _SYSTEMS.value, allowed)
    if 'batched_floor' in _SYSTEMS.value and 'W1' in _WORKLOADS.value:
      raise ValueError(
          '`systems` must not have batched_floor for W1, whose convolutions it '
          'does not have.'
      )
    num_cores = len(os.sched_getaffinity(0))
    allowed = [str(count + 1) for count in range(num_cores)]
    thread_counts = _THREADS.value or allowed[-1:]
    _check('client_threads', thread_counts, allowed)
    system_processes.find_checkout(_OTHER.value)
  rows = []
  for workload in _WORKLOADS.value:
    rows += _measure(workload, [int(count) for count in thread_counts])
    if _OUTPUT.value:
      files.write_rows(_OUTPUT.value, rows)
  print(_format_table(rows))


if __name__ == '__main__':
  command_line.run(main)
