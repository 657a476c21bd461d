"""Measures how a round's cost grows, and that memory does not.

python -m benchmarks.scaling --output=docs/performance/scaling.json \
    --image_dir=docs/images

A round of 10 clients of 20 images 8x8x1 and the model `cnn`, grown in one
direction at a time: the federation, the cohort, and the model, the last with
images 32x32x3. Each size runs in a process of its own, on all cores.
"""

import json
import os
from typing import Any, Dict, List

from absl import flags
import attrs

from benchmarks import scaling_runs
from tff_hidenseek.commands import command_line
from tff_hidenseek.experiments import plots

_ALGORITHMS = ('fed_avg', 'hidenseek')
_SIZES = {
    'num_clients': [
        scaling_runs.Size(num_clients=n) for n in (100, 400, 1600, 6400)
    ],
    'cohort': [
        scaling_runs.Size(num_clients=640, cohort=n) for n in (10, 40, 160, 640)
    ],
    'model': [
        scaling_runs.Size(model=name, image_shape=(32, 32, 3))
        for name in ('linear', 'lenet', 'cnn', 'vgg16')
    ],
}
_LABELS = {
    'num_clients': 'clients in the federation',
    'cohort': 'clients in a round',
    'model': 'weights of the model',
}
# Rounds and what is simulated: many rounds, and many clients.
_MEMORY = {
    'rounds': (500, scaling_runs.Size(model='linear')),
    'clients': (
        1, scaling_runs.Size(model='linear', num_clients=5000, cohort=5000)
    ),
}

_ROUNDS = flags.DEFINE_integer(
    'rounds',
    5,
    'Least timed rounds of each size; more of them fill a second.',
    lower_bound=1,
)
_OUTPUT = flags.DEFINE_string('output', None, 'A JSON file for the numbers.')
_IMAGE_DIR = flags.DEFINE_string(
    'image_dir', None, 'A folder for scaling.png and memory.png.'
)


def _measure_scaling() -> List[Dict[str, Any]]:
  """Returns a row for each size and algorithm."""
  rows = []
  for grown, sizes in _SIZES.items():
    for size in sizes:
      for algorithm in _ALGORITHMS:
        size = attrs.evolve(size, algorithm=algorithm)
        timing = scaling_runs.time_rounds(size, _ROUNDS.value)
        rows.append(
            {'grown': grown, **attrs.asdict(size), **attrs.asdict(timing)}
        )
        print(
            f'{grown:<12}{_find_place(rows[-1]):>10} {algorithm:<10}'
            f'{timing.seconds_per_round:>9.3f} s{timing.peak_mib:>7.0f} MiB',
            flush=True,
        )
  return rows


def _find_place(row):
  """Returns where a row stands on the axis along which it is grown."""
  grown = row['grown']
  return row['num_weights' if grown == 'model' else grown]


def _plot_scaling(path: str, rows: List[Dict[str, Any]]) -> None:
  """Plots seconds a round over each direction, all on one scale."""
  canvas, all_axes = plots.new_figure(width=10.5, height=3.6, num_axes=3)
  seconds = [row['seconds_per_round'] for row in rows]
  for axes, grown in zip(all_axes, _SIZES):
    # Before the ticks: a new scale sets its own.
    axes.set(xscale='log', yscale='log', xlabel=_LABELS[grown])
    axes.set_ylim(min(seconds) / 2, max(seconds) * 2)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    for algorithm in _ALGORITHMS:
      here = [
          row for row in rows
          if row['grown'] == grown and row['algorithm'] == algorithm
      ]
      places = [_find_place(row) for row in here]
      axes.plot(
          places,
          [row['seconds_per_round'] for row in here],
          marker='o',
          label=algorithm,
      )
      if grown != 'model':
        axes.set_xticks(places, [str(place) for place in places])
      elif algorithm == _ALGORITHMS[0]:
        for row, place in zip(here, places):
          axes.annotate(
              row['model'],
              (place, row['seconds_per_round']),
              (6, -10),
              textcoords='offset points',
              fontsize=8,
          )
  all_axes[2].margins(x=0.2)
  all_axes[0].set(ylabel='seconds a round')
  all_axes[0].legend(frameon=False)
  canvas.savefig(path, dpi=120)


def _plot_memory(path: str, traces) -> None:
  """Plots memory over rounds, and over the clients of one round."""
  canvas, all_axes = plots.new_figure(width=8.4, height=3.2, num_axes=2)
  for axes, (name, trace) in zip(all_axes, traces.items()):
    _, size = _MEMORY[name]
    scale = size.cohort if name == 'clients' else 1
    axes.plot([scale * done for done, _ in trace], [mib for _, mib in trace])
    axes.set_ylim(0, 1.25 * max(mib for _, mib in trace))
    axes.grid(alpha=0.3)
  all_axes[0].set(
      xlabel='rounds of 10 clients', ylabel='memory of the process (MiB)'
  )
  all_axes[1].set(xlabel='clients done in one round of 5000')
  canvas.savefig(path, dpi=120)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
  rows = _measure_scaling()
  traces = {
      name: scaling_runs.trace_memory(size, num_rounds)
      for name, (num_rounds, size) in _MEMORY.items()
  }
  for name, trace in traces.items():
    first, last = trace[0][1], trace[-1][1]
    print(f'memory over {name}: {first:.1f} MiB, at the end {last:.1f} MiB')
  if _OUTPUT.value:
    with open(_OUTPUT.value, 'w', encoding='utf-8') as output:
      json.dump({'scaling': rows, 'memory': traces}, output)
  if _IMAGE_DIR.value:
    _plot_scaling(os.path.join(_IMAGE_DIR.value, 'scaling.png'), rows)
    _plot_memory(os.path.join(_IMAGE_DIR.value, 'memory.png'), traces)


if __name__ == '__main__':
  command_line.run(main)
