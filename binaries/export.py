r"""Exports the model of a finished run, and shows what each format costs.

python -m binaries.export --run_dir=runs/digits --format=all

Every file is read back and compared with Keras on real examples before it
appears. ARM processors and delegates are not tried here: latencies are those of
this machine's interpreter.
"""

import os
import warnings

from absl import flags
import tensorflow as tf

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import run_dirs
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.experiments import export_source
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.export import export_report
from tff_hidenseek.export import exports
from tff_hidenseek.export import formats
from tff_hidenseek.models import keras_files
from tff_hidenseek.ticket import ticket

runtime_flags.define_runtime_flags()
_RUN_DIR = flags.DEFINE_string('run_dir', None, 'The folder of a finished run.')
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'Where files go; default: `export` in --run_dir.'
)
_DATA_DIR = flags.DEFINE_string(
    'data_dir', None, "The folder of the run's data where that has moved."
)
_FORMAT = flags.DEFINE_enum(
    'format', 'all', ['all', *formats.FORMATS], 'What to write.'
)
_CLIENT_ID = flags.DEFINE_integer(
    'client_id', None, 'Export the personal model of this client.'
)
_TICKET_MASK = flags.DEFINE_enum(
    'ticket_mask',
    'embedded',
    ticket.TICKET_MASKS,
    'Whether the ticket holds the mask, or it is redrawn when it is loaded.',
)
_CALIBRATION_EXAMPLES = flags.DEFINE_integer(
    'calibration_examples',
    export_source.CALIBRATION_EXAMPLES,
    'Training examples that set the ranges of integers.',
    lower_bound=1,
)


def _load_global_model() -> tf.keras.Model:
  path = os.path.join(_RUN_DIR.value, run_folder.FINAL_MODEL_FILE)
  if not os.path.isfile(path):
    raise ValueError(f'`run_dir` must be of a finished run, found no {path}.')
  return keras_files.load_keras_model(path)


def _build_personal_model(config, federation) -> tf.keras.Model:
  """Trains the client's model again from the newest checkpoint."""
  if not 0 <= _CLIENT_ID.value < config.num_clients:
    raise ValueError(
        f'`client_id` must be in [0, {config.num_clients}), found '
        f'{_CLIENT_ID.value}.'
    )
  runtime_flags.set_runtime()
  algorithm = training_loop.build_algorithm(config, federation)
  run = training_run.TrainingRun(config, algorithm, federation)
  run_dirs.restore(run, _RUN_DIR.value)
  return algorithm.build_personal_model(
      run.server_state,
      run.client_states.get(_CLIENT_ID.value, algorithm.initial_client_state),
      federation.train_data(_CLIENT_ID.value),
  )


def _test_examples(federation):
  """Returns the images and labels that accuracy is measured on."""
  if _CLIENT_ID.value is None:
    return federation.dataset.test_x, federation.dataset.test_y
  data = federation.test_data(_CLIENT_ID.value)
  return data['x'].numpy(), data['y'].numpy()


def main(argv):
  warnings.filterwarnings('ignore', module='tensorflow.lite')
  with command_line.user_errors():
    command_line.start(argv)
    config, federation = run_dirs.load(_RUN_DIR.value, _DATA_DIR.value)
    if _CLIENT_ID.value is None:
      model = _load_global_model()
    else:
      model = _build_personal_model(config, federation)
    output_dir = _OUTPUT_DIR.value or os.path.join(_RUN_DIR.value, 'export')
    names = (
        list(formats.FORMATS) if _FORMAT.value == 'all' else [_FORMAT.value]
    )
    source = export_source.make_source(
        config,
        model,
        federation.dataset.train_x[: _CALIBRATION_EXAMPLES.value],
        _TICKET_MASK.value,
        federation.dataset.class_names,
    )
    test_x, test_y = _test_examples(federation)
    images = exports.choose_gate_images(test_x, federation.dataset.train_x)
    print(f'Every file is compared with Keras on {len(images)} real examples.')
    rows, refusals = exports.export_formats(
        names, source, output_dir, images, test_y
    )
    export_report.write_report(
        output_dir, rows, refusals, source.description
    )
  print(export_report.to_markdown(rows, refusals))
  print(f'Written to {output_dir}')


def run():
  flags.mark_flag_as_required('run_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
