r"""Compares algorithms on the same data, model and seeds, and reports.

python -m binaries.compare --algorithms=hidenseek,fed_avg --seeds=0,1 \
    --num_rounds=10 --target_accuracy=0.8 --output_dir=runs/comparison

What is given of an experiment (--num_rounds, --data_dir, --flagfile=...) is for
every algorithm that has it; the rest are each algorithm's defaults. The same
command again goes on where it was stopped; other algorithms, seeds and
partitions add to what is in the folder.
"""

import functools
import os
import sys

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import contender_flags
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.comparisons import plan as plan_lib
from tff_hidenseek.comparisons import report_files
from tff_hidenseek.comparisons import runs as runs_lib
from tff_hidenseek.comparisons import summary
from tff_hidenseek.comparisons import terminal
from tff_hidenseek.experiments import provenance
from tff_hidenseek.experiments import run_lock

contender_flags.define_contender_flags()
experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
# So that --help shows these too.
flags.adopt_module_key_flags(contender_flags)
flags.adopt_module_key_flags(experiment_flags)
flags.adopt_module_key_flags(runtime_flags)
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder of the comparison: its runs and report.'
)
_SWEEP_METRIC = flags.DEFINE_enum(
    'sweep_metric',
    'global_accuracy_mean',
    ['global_accuracy_mean', 'personal_accuracy_mean'],
    'By which a cell of the grid is the best.',
)
_TARGET = flags.DEFINE_float(
    'target_accuracy', None, 'Report the cost to this global accuracy.'
)
_PERSONAL_TARGET = flags.DEFINE_float(
    'target_personal_accuracy',
    None,
    'Report the cost to this mean personal accuracy.',
)
_REFERENCE = flags.DEFINE_string(
    'reference', 'hidenseek', 'Report this one against each of the others.'
)
_NUM_PARALLEL_RUNS = flags.DEFINE_integer(
    'num_parallel_runs', 1, 'Runs at a time.', lower_bound=1
)
_REPORT_ONLY = flags.DEFINE_bool(
    'report_only', False, 'Make the report of what --output_dir has; run none.'
)
_RESULTS_JSON = flags.DEFINE_string(
    'results_json', None, 'Another file for the rows of report.json.'
)


def _read_targets():
  for flag in (_TARGET, _PERSONAL_TARGET):
    if flag.value is not None and not 0 < flag.value <= 1:
      raise ValueError(f'`{flag.name}` must be in (0, 1], found {flag.value}.')
  return summary.Targets(
      global_accuracy=_TARGET.value, personal_accuracy=_PERSONAL_TARGET.value
  )


def main(argv):
  output_dir, all_succeeded = _OUTPUT_DIR.value, True
  find_runs = functools.partial(
      plan_lib.find_runs, output_dir, experiment_flags.config_from_file
  )
  with command_line.user_errors():
    command_line.start(argv)
    targets = _read_targets()
    runs = [] if _REPORT_ONLY.value else contender_flags.plan_runs(output_dir)
    found = find_runs()
    if _REFERENCE.present:  # The default may be missing.
      plan_lib.check_reference(runs + found, _REFERENCE.value)
    if runs:
      with run_lock.hold(output_dir):
        runs_lib.prepare(runs, found)
        provenance.record(
            output_dir,
            ['python', '-m', 'binaries.compare', *sys.argv[1:]],
            runs_lib.CODE_DIR,
        )
        all_succeeded = runs_lib.train(
            runs,
            _NUM_PARALLEL_RUNS.value,
            child_commands.python_command(
                'binaries.train', '--resume', *runtime_flags.given_arguments()
            ),
        )
    report = report_files.write(
        output_dir,
        find_runs(),
        targets=targets,
        reference=_REFERENCE.value,
        sweep_metric=_SWEEP_METRIC.value.removesuffix('_mean'),
        allow_changed_data=flags.FLAGS.allow_changed_data,
        rows_file=_RESULTS_JSON.value,
    )
    if report is None and all_succeeded:
      raise ValueError(
          f'`output_dir` must hold a finished run, found none in {output_dir}.'
      )
  if report:  # Else why there is none has been said.
    print(f'\n{terminal.to_text(report)}\n')
    print(f'Report: {os.path.join(output_dir, "report.html")} (.md, .json)')
  if not all_succeeded:
    sys.exit(1)


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(
      main,
      when_stopped='Stopped; the same command goes on from here, and '
      '--report_only reports what has finished.',
  )


if __name__ == '__main__':
  run()
