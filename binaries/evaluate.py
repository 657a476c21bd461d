"""Evaluates a run again, from its folder alone, also on other data.

python -m binaries.evaluate --run_dir=runs/digits
python -m binaries.evaluate --run_dir=runs/digits --dataset=npz:other.npz
"""

import sys

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import run_dirs
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.data import class_mapping
from tff_hidenseek.data import datasets
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run

runtime_flags.define_runtime_flags()
_RUN_DIR = flags.DEFINE_string('run_dir', None, 'The folder of a run.')
_DATASET = flags.DEFINE_string(
    'dataset',
    None,
    'Other data of the same image shape and classes, on whose test split the '
    'global model is evaluated; named as in training.',
)
_DATA_DIR = flags.DEFINE_string(
    'data_dir',
    None,
    "The folder with the files of --dataset; without it, of the run's own data "
    'where that has moved.',
)


def _on_other_data(federation):
  """Returns the clients of a run beside the test split of --dataset."""
  dataset, difference = class_mapping.map_classes(
      datasets.load_dataset(_DATASET.value, _DATA_DIR.value),
      federation.dataset.image_shape,
      federation.dataset.class_names,
  )
  if difference:
    print(f'note: {difference}', file=sys.stderr)
  return federation_lib.Federation(
      dataset, federation.partition, len(federation.unseen_clients)
  )


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    runtime_flags.set_runtime()
    # With --dataset it is the folder of that.
    moved_to = None if _DATASET.value else _DATA_DIR.value
    config, federation = run_dirs.load(_RUN_DIR.value, moved_to)
    algorithm = training_loop.build_algorithm(config, federation)
    if _DATASET.value:
      federation = _on_other_data(federation)
    run = training_run.TrainingRun(
        config, algorithm, federation, **runtime_flags.find_cohort_options()
    )
    num_done = run_dirs.restore(run, _RUN_DIR.value)
  dataset = _DATASET.value or config.dataset
  print(f'{config.algorithm} on {dataset} after round {num_done}')
  print(f'{"global_accuracy":<32}{run.global_accuracy():.4f}')
  if _DATASET.value:  # No client has examples of it to train on.
    return
  personal = training_loop.summarize_personal(
      run.personal_accuracies(), federation
  )
  for name, accuracy in personal.items():
    print(f'{name:<32}{accuracy:.4f}')


def run():
  flags.mark_flag_as_required('run_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
