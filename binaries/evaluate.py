"""Evaluates a run again, from its folder alone.

python -m binaries.evaluate --run_dir=runs/digits
"""

import os

from absl import flags

from binaries import command_line
from binaries import experiment_flags
from binaries import runtime_flags
from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run

runtime_flags.define_runtime_flags()
_RUN_DIR = flags.DEFINE_string('run_dir', None, 'The folder of a run.')


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_file(
        os.path.join(_RUN_DIR.value, run_folder.CONFIG_FILE)
    )
    runtime_flags.set_runtime()
    federation = federation_lib.build_federation(config)
    run_data.check(
        _RUN_DIR.value, federation, flags.FLAGS.allow_changed_data
    )
    algorithm = training_loop.build_algorithm(config, federation)
    run = training_run.TrainingRun(config, algorithm, federation)
    manager = checkpoints.CheckpointManager(
        checkpoints.folder(_RUN_DIR.value)
    )
    num_done = training_loop.restore(run, manager)
    if not num_done:
      raise ValueError(
          f'`run_dir` must hold a checkpoint, found none in {_RUN_DIR.value}.'
      )
  personal = training_loop.summarize_personal(
      run.personal_accuracies(), federation
  )
  print(f'{config.algorithm} on {config.dataset} after round {num_done}')
  print(f'{"global_accuracy":<32}{run.global_accuracy():.4f}')
  for name, accuracy in personal.items():
    print(f'{name:<32}{accuracy:.4f}')


def run():
  flags.mark_flag_as_required('run_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
