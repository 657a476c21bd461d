r"""Compares algorithms on the same data, model and seeds, and reports.

python -m binaries.compare --algorithms=hidenseek,fed_avg --seeds=0,1 \
    --num_rounds=10 --target_accuracy=0.8 --output_dir=runs/comparison

What is given of an experiment (--num_rounds, --data_dir, --flagfile=...) is for
every algorithm that has it; the rest are each algorithm's defaults. The same
command again goes on where it was stopped; other algorithms, seeds and
partitions add to what is in the folder.
"""

import os
import sys

from absl import flags

from binaries import command_line
from binaries import compare_runs
from binaries import experiment_flags
from binaries import runtime_flags
from tff_hidenseek.comparisons import contenders as contenders_lib
from tff_hidenseek.comparisons import pages
from tff_hidenseek.comparisons import plan as plan_lib
from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary
from tff_hidenseek.experiments import provenance
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder

experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
# So that --help shows these too.
flags.adopt_module_key_flags(experiment_flags)
flags.adopt_module_key_flags(runtime_flags)
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder of the comparison: its runs and report.'
)
_ALGORITHMS = flags.DEFINE_list(
    'algorithms', [], 'What is compared; default: --algorithm alone.'
)
_FLAGFILES = flags.DEFINE_list(
    'flagfiles', [], 'Flag files that are compared, instead of --algorithms.'
)
_SEEDS = flags.DEFINE_list('seeds', [], 'Seeds; default: --seed alone.')
_SEEDS_OF = flags.DEFINE_multi_string(
    'seeds_of',
    [],
    'Other seeds for one of those compared, such as ssfl=0 (repeatable).',
)
_PARTITIONS = flags.DEFINE_list(
    'partitions', [], 'Run on every one of these; default: --partition alone.'
)
_SWEEP = flags.DEFINE_multi_string(
    'sweep',
    [],
    'Values of one more option, such as server_learning_rate=0.5,1 '
    '(repeatable, which makes a grid).',
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


def _parse_seeds(name, texts):
  for text in texts:
    if not text.isdecimal():
      raise ValueError(f'`{name}` must be whole numbers, found {text!r}.')
  return [int(text) for text in texts]


def _split_assignments(name, texts):
  """Makes `{'a': ['1', '2']}` of `['a=1,2']`."""
  assignments = {}
  for text in texts:
    key, equals, values = text.partition('=')
    if not (key and equals and values) or key in assignments:
      raise ValueError(
          f'`{name}` must be NAME=VALUE,VALUE, each name once, found {text!r}.'
      )
    assignments[key] = values.split(',')
  return assignments


def _check_targets():
  for flag in (_TARGET, _PERSONAL_TARGET):
    if flag.value is not None and not 0 < flag.value <= 1:
      raise ValueError(
          f'`{flag.name}` must be in (0, 1], found {flag.value}.'
      )


def _check_reference(runs):
  """Checks a reference that was asked for; the default may be missing."""
  labels = sorted({run.label for run in runs})
  if _REFERENCE.present and labels and _REFERENCE.value not in labels:
    raise ValueError(
        f'`reference` must be one of {", ".join(labels)}, found '
        f'{_REFERENCE.value!r}.'
    )


def _plan_runs():
  """Returns the runs that the flags ask for."""
  given = experiment_flags.given_values()
  if _ALGORITHMS.value and _FLAGFILES.value:
    raise ValueError(
        '`algorithms` must not come with `flagfiles`, found both.'
    )
  if _FLAGFILES.value:
    files = {
        path: experiment_flags.values_from_file(path)
        for path in _FLAGFILES.value
    }
    contenders = contenders_lib.of_files(files, given)
  else:
    names = _ALGORITHMS.value or [given.get('algorithm', 'hidenseek')]
    contenders = contenders_lib.of_algorithms(names, given)
  grid = {
      name: [experiment_flags.parse_value(name, text) for text in texts]
      for name, texts in _split_assignments('sweep', _SWEEP.value).items()
  }
  return plan_lib.plan(
      contenders_lib.sweep(contenders, grid),
      _OUTPUT_DIR.value,
      seeds=_parse_seeds('seeds', _SEEDS.value),
      seeds_of={
          name: _parse_seeds('seeds_of', texts)
          for name, texts in _split_assignments(
              'seeds_of', _SEEDS_OF.value
          ).items()
      },
      partitions=_PARTITIONS.value,
  )


def _find_runs():
  return plan_lib.find_runs(
      _OUTPUT_DIR.value, experiment_flags.config_from_file
  )


def _report(some_failed):
  """Writes the report of what is there, and prints its main numbers."""
  output_dir = _OUTPUT_DIR.value
  runs = _find_runs()
  for group in sorted({run.group for run in runs}):
    run_data.check_alike(
        [run.run_dir for run in runs if run.group == group],
        flags.FLAGS.allow_changed_data,
    )
  results, unfinished = results_lib.read(runs)
  if not results and some_failed:
    return  # Why has been said.
  if not results:
    raise ValueError(
        f'`output_dir` must hold a finished run, found none in {output_dir}.'
    )
  sweep_metric = _SWEEP_METRIC.value[: -len('_mean')]
  report = report_lib.build_report(
      output_dir,
      results,
      unfinished,
      targets=summary.Targets(
          global_accuracy=_TARGET.value,
          personal_accuracy=_PERSONAL_TARGET.value,
      ),
      reference=_REFERENCE.value,
      sweep_metric=sweep_metric,
      commands=provenance.read(output_dir),
  )
  report_lib.write_json(
      os.path.join(output_dir, 'report.json'), report, sweep_metric
  )
  pages.write_pages(output_dir, report)
  if _RESULTS_JSON.value:
    report_lib.write_file(
        _RESULTS_JSON.value,
        report_lib.to_json(report_lib.to_rows(report)),
    )
  print(f'\n{pages.to_text(report)}\n')
  for run in unfinished:
    print(f'not finished: {pages.describe_unfinished(run)}')
  print(f'Report: {os.path.join(output_dir, "report.html")} (.md, .json)')


def main(argv):
  all_succeeded = True
  with command_line.user_errors():
    command_line.start(argv)
    _check_targets()
    runs = [] if _REPORT_ONLY.value else _plan_runs()
    found = _find_runs()
    _check_reference(runs + found)
    if runs:
      for run in runs:
        run_folder.check(run.run_dir, run.config, resume=True)
      folders = {run.run_dir for run in runs}
      plan_lib.check_is_fair(
          runs
          + [
              run
              for run in found
              if run.run_dir not in folders and os.path.isdir(run.run_dir)
          ]
      )
      for run in runs:
        report_lib.write_file(run.flag_file, run.config.to_flag_file())
      provenance.record(
          _OUTPUT_DIR.value,
          ['python', '-m', 'binaries.compare', *sys.argv[1:]],
          compare_runs.CODE_DIR,
      )
      all_succeeded = compare_runs.train(runs, _NUM_PARALLEL_RUNS.value)
    _report(some_failed=not all_succeeded)
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
