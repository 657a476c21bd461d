"""Draws finished runs together, and prints their table.

python -m binaries.plot --run_dirs=runs/hidenseek,runs/fed_avg \
    --output_dir=runs/both
"""

import os
import pathlib
from typing import Dict, Sequence

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import plots
from tff_hidenseek.experiments import summary

_RUN_DIRS = flags.DEFINE_list('run_dirs', [], 'Folders of runs.')
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder whose `plots` are written.'
)


def _name_runs(run_dirs: Sequence[str]) -> Dict[str, str]:
  """Returns the folders by the shortest ends of their paths that differ."""
  paths = [pathlib.Path(os.path.abspath(run_dir)) for run_dir in run_dirs]
  named = {}
  for path, run_dir in zip(paths, run_dirs):
    if paths.count(path) > 1:
      raise ValueError(
          f'`run_dirs` must be different folders, found {run_dir} twice.'
      )
    for count in range(1, len(path.parts) + 1):
      end = path.parts[-count:]
      if sum(other.parts[-count:] == end for other in paths) == 1:
        break
    named[os.path.join(*end)] = run_dir
  return named


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    runs = {}
    named = _name_runs(_RUN_DIRS.value)
    for name, run_dir in named.items():
      runs[name] = metrics.read_rows(run_dir)
      if not runs[name]:
        raise ValueError(
            f'`run_dirs` must hold metrics of runs, found none in {run_dir}.'
        )
    if not runs:
      raise ValueError('`run_dirs` must name at least one run, found none.')
    plots.plot_accuracy_curves(_OUTPUT_DIR.value, runs)
  print(summary.format_summary(runs))
  for name, run_dir in named.items():
    noted = divergence.read(run_dir)
    if noted:
      print(f'{name} diverged at round {noted["round_num"]}.')


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
