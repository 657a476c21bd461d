"""Measures cohorts: their size, how many clients, the clients' own models.

python -m benchmarks.cohort_sizes --output=docs/performance/cohorts.json \
    --image_dir=docs/images

Rounds of clients of 50 images 32x32x3 and one dense layer (W2), cohorts of all
sizes in alternation, then more and more clients; personal evaluations of 100
clients of MNIST, where --data_dir has it; the memory of a round of 5,000.
"""

import functools
import os
import statistics
import time
from typing import Any, Callable, Dict, List, Sequence

from absl import flags
import attrs
import tensorflow_federated as tff

from benchmarks import rounds
from benchmarks import scaling_runs
from benchmarks import system_processes
from tff_hidenseek.commands import command_line
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import plots
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek import files
from tff_hidenseek.runtimes import contexts

_ALGORITHMS = ('fed_avg', 'hidenseek')
_SIZES = (1, 2, 5, 10, 25, 50, 100)
_NUM_CLIENTS = (25, 50, 100, 200, 400)
_SIZE = 25

_ROUNDS = flags.DEFINE_integer(
    'rounds', 5, 'Timed rounds of each.', lower_bound=1
)
_DATA_DIR = flags.DEFINE_string(
    'data_dir', None, 'The folder of mnist.npz, for the personal evaluations.'
)
_OUTPUT = flags.DEFINE_string('output', None, 'A JSON file for the rows.')
_IMAGE_DIR = flags.DEFINE_string('image_dir', None, 'A folder for cohorts.png.')


def _time_in_turn(runs: Sequence[Callable[[], Any]]) -> List[List[float]]:
  """Returns the seconds of each round of each, after one that compiles."""
  seconds: List[List[float]] = [[] for _ in runs]
  for round_num in range(1 + _ROUNDS.value):
    for run, times in zip(runs, seconds):
      start = time.monotonic()
      run()
      if round_num:
        times.append(time.monotonic() - start)
  return seconds


def _compare(times: Sequence[float], base: Sequence[float]) -> float:
  """Returns the median ratio of rounds that are neighbours in time."""
  return statistics.median(x / y for x, y in zip(times, base))


def _measure_rounds(algorithm: str) -> List[Dict[str, Any]]:
  """Returns a row for each cohort size, and for each number of clients."""
  clients = system_processes.make_clients(max(_NUM_CLIENTS), 50)
  start = functools.partial(rounds.Rounds, 'linear', algorithm)
  simulation = start(clients)
  rows = []
  for grown, cases in [
      ('cohort_size', [(200, size) for size in _SIZES]),
      ('num_clients', [(n, s) for n in _NUM_CLIENTS for s in (1, _SIZE)]),
  ]:
    runs = [functools.partial(simulation.run, *case) for case in cases]
    seconds = _time_in_turn(runs)
    base = dict(zip(cases, seconds))
    for (num_clients, size), times in zip(cases, seconds):
      rows.append(
          dict(
              measured='round',
              grown=grown,
              algorithm=algorithm,
              num_clients=num_clients,
              cohort_size=size,
              seconds=statistics.median(times),
              ratio_to_one_by_one=_compare(times, base[num_clients, 1]),
          )
      )
      print(rows[-1], flush=True)
  return rows


def _measure_personal(algorithm: str) -> List[Dict[str, Any]]:
  """Returns a row for personal evaluations with cohorts and without."""
  config = config_lib.build_config(
      dict(
          algorithm=algorithm,
          dataset='mnist',
          data_dir=_DATA_DIR.value,
          model='mlp',
          num_clients=100,
          clients_per_round=10,
          max_examples_per_client=60,
          batch_size=10,
      )
  )
  federation = federation_lib.build_federation(config)
  built = training_loop.build_algorithm(config, federation)
  runs = [
      training_run.TrainingRun(config, built, federation, size)
      for size in (1, 0)
  ]
  seconds = _time_in_turn([run.personal_accuracies for run in runs])
  row = dict(
      measured='personal',
      algorithm=algorithm,
      num_clients=100,
      seconds=statistics.median(seconds[1]),
      ratio_to_one_by_one=_compare(seconds[1], seconds[0]),
  )
  print(row, flush=True)
  return [row]


def _measure_memory() -> Dict[str, Any]:
  """Returns MiB at the start and the end of a round of 5,000 clients."""
  size = scaling_runs.Size(model='linear', num_clients=5000, cohort=5000)
  row: Dict[str, Any] = dict(measured='memory', num_clients=5000)
  for cohort_size in (1, _SIZE):
    trace = scaling_runs.trace_memory(
        attrs.evolve(size, cohort_size=cohort_size), 1
    )
    row[f'mib_in_cohorts_of_{cohort_size}'] = dict(
        start=trace[0][1], end=trace[-1][1], peak=max(mib for _, mib in trace)
    )
  print(row, flush=True)
  return row


def _plot(path: str, rows: List[Dict[str, Any]]) -> None:
  """Plots the time of a round, one by one being 1, over both directions."""
  canvas, all_axes = plots.new_figure(width=8.4, height=3.4, num_axes=2)
  for axes, grown, places in [
      (all_axes[0], 'cohort_size', _SIZES),
      (all_axes[1], 'num_clients', _NUM_CLIENTS),
  ]:
    for algorithm in _ALGORITHMS:
      here = [
          row for row in rows
          if row.get('grown') == grown and row['algorithm'] == algorithm
          and (grown == 'cohort_size' or row['cohort_size'] == _SIZE)
      ]
      axes.plot(
          [row[grown] for row in here],
          [row['ratio_to_one_by_one'] for row in here],
          marker='o',
          label=algorithm,
      )
    axes.set_xscale('log')
    axes.minorticks_off()
    axes.set_xticks(places, [str(place) for place in places])
    axes.set_ylim(0, 1.1)
    axes.grid(alpha=0.3)
  all_axes[0].legend(frameon=False)
  all_axes[0].set(
      xlabel='clients of a cohort (200 clients)',
      ylabel='time of a round, one by one = 1',
  )
  all_axes[1].set(xlabel=f'clients of a round (cohorts of {_SIZE})')
  canvas.savefig(path, dpi=120)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions())
  )
  rows = [row for name in _ALGORITHMS for row in _measure_rounds(name)]
  if _IMAGE_DIR.value:
    _plot(os.path.join(_IMAGE_DIR.value, 'cohorts.png'), rows)
  if _DATA_DIR.value:
    rows += [row for name in _ALGORITHMS for row in _measure_personal(name)]
  rows.append(_measure_memory())
  if _OUTPUT.value:
    files.write_rows(_OUTPUT.value, rows)


if __name__ == '__main__':
  command_line.run(main)
