r"""Trains a federated algorithm, and records everything about the run.

python -m binaries.train --flagfile=configs/hidenseek.digits.cnn.flags \
    --output_dir=runs/digits
"""

import contextlib
import os
import sys

from absl import flags
import tensorflow as tf

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.data import data_summary
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import plots
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import run_lock
from tff_hidenseek.experiments import summary
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import client_files
from tff_hidenseek.runtimes import worker_channel

experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
# So that --help shows these too.
flags.adopt_module_key_flags(experiment_flags)
flags.adopt_module_key_flags(runtime_flags)
_OUTPUT_DIR = flags.DEFINE_string('output_dir', None, 'The run\'s folder.')
_RESUME = flags.DEFINE_bool(
    'resume', False, 'Go on with the run in --output_dir, if there is one.'
)
_REFERENCE = flags.DEFINE_string(
    'reference',
    None,
    'Another algorithm that is trained too, with its own defaults, on the same '
    'data, model and seed; the closing table then compares both.',
)
_CLIENT_DIR = flags.DEFINE_string(
    'client_dir',
    None,
    'The folder with the clients\' files on every host (see write_clients): '
    'their names are sent in a round instead of their data.',
)


# The exit status of a training that has diverged.
_DIVERGED = 3


@contextlib.contextmanager
def _missing_client_files():
  """Says what to do where a host does not have a client's file."""
  try:
    yield
  except (worker_channel.WorkerError, tf.errors.NotFoundError) as error:
    path = client_files.find_missing_file(str(error))
    if path is None:
      raise
    raise FileNotFoundError(
        '`client_dir` must hold the clients of this experiment on every host, '
        f'found no file {path}. Write them with `python -m '
        'binaries.write_clients`, the same flags and the same data.'
    ) from error


def _describe_data(config, federation):
  """Prints what is trained on, and which classes nobody trains on."""
  print('\n'.join(data_summary.describe(federation.dataset)))
  is_trained = federation_lib.find_trained_classes(federation, config)
  names = federation.dataset.class_names
  missing = [str(name) for name, yes in zip(names, is_trained) if not yes]
  if missing:
    print(
        f'warning: no client that trains has examples of {len(missing)} of the '
        f'{len(names)} classes: {", ".join(missing)}.'
    )
  sys.stdout.flush()


def _train(config, federation, run_dir):
  """Trains one algorithm into its folder; returns its metrics."""
  with command_line.user_errors():
    algorithm = training_loop.build_algorithm(config, federation)
    if _CLIENT_DIR.value:
      folder = federation_lib.client_folder(_CLIENT_DIR.value, federation)
      algorithm = client_files.read_clients(
          algorithm, folder, federation.dataset.image_shape
      )
      federation = federation_lib.FederationOfFiles(federation)
    with run_lock.hold(run_dir):
      # Again, since another run may have come and gone. What is refused has
      # changed nothing.
      run_folder.check(run_dir, config, _RESUME.value)
      run_data.check(run_dir, federation, flags.FLAGS.allow_changed_data)
      run_folder.prepare(run_dir, config)
      run_data.write(run_dir, federation)
      if run_dir == _OUTPUT_DIR.value:
        _describe_data(config, federation)
      run = training_run.TrainingRun(
          config, algorithm, federation, **runtime_flags.find_cohort_options()
      )
      print('\n'.join([*run.ledger.describe(), '']), end='', flush=True)
      with _missing_client_files():
        rows = training_loop.train(config, run, federation, run_dir)
      plots.plot_run(
          run_dir,
          {config.algorithm: rows},
          algorithm.layer_densities,
          federation.label_counts(),
      )
      # Last and in whole: a run with this file has finished.
      run_folder.save_final_model(
          run_dir, algorithm.build_global_model(run.server_state)
      )
  return rows


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_flags()
    configs = {config.algorithm: config}
    run_dirs = {config.algorithm: _OUTPUT_DIR.value}
    if _REFERENCE.value:
      if _REFERENCE.value == config.algorithm:
        raise ValueError(
            '`reference` must be another algorithm than the one that is '
            f'trained, found {config.algorithm!r} for both.'
        )
      reference = config_lib.with_algorithm(config, _REFERENCE.value)
      configs[reference.algorithm] = reference
      run_dirs[reference.algorithm] = os.path.join(
          _OUTPUT_DIR.value, f'reference_{reference.algorithm}'
      )
    for name, run_dir in run_dirs.items():
      run_folder.check(run_dir, configs[name], _RESUME.value)
    runtime_flags.set_runtime()
    federation = federation_lib.build_federation(config)
  try:
    rows = {
        name: _train(configs[name], federation, run_dirs[name])
        for name in configs
    }
  except divergence.DivergenceError as error:
    print('error:', error, file=sys.stderr)
    sys.exit(_DIVERGED)
  if _REFERENCE.value:
    plots.plot_accuracy_curves(_OUTPUT_DIR.value, rows)
  print(f'\n{summary.format_summary(rows)}\n\nWritten to {_OUTPUT_DIR.value}:')
  for name in sorted(os.listdir(_OUTPUT_DIR.value)):
    print(f'  {name}')
  sys.stdout.flush()


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(
      main,
      when_stopped='Stopped; the same command with --resume goes on from the '
      'last checkpoint.',
  )


if __name__ == '__main__':
  run()
