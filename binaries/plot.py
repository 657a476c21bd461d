"""Draws finished runs together, and prints their table.

python -m binaries.plot --run_dirs=runs/hidenseek,runs/fed_avg \
    --output_dir=runs/both
"""

import os

from absl import flags

from binaries import command_line
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import plots
from tff_hidenseek.experiments import summary

_RUN_DIRS = flags.DEFINE_list('run_dirs', [], 'Folders of runs.')
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder whose `plots` are written.'
)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    runs = {}
    for run_dir in _RUN_DIRS.value:
      name = os.path.basename(os.path.normpath(run_dir))
      runs[name] = metrics.read_rows(run_dir)
      if not runs[name]:
        raise ValueError(
            f'`run_dirs` must hold metrics of runs, found none in {run_dir}.'
        )
    if not runs:
      raise ValueError('`run_dirs` must name at least one run, found none.')
    plots.plot_accuracy_curves(_OUTPUT_DIR.value, runs)
  print(summary.format_summary(runs))


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
