"""A client on a device, without TensorFlow: NumPy and LiteRT alone.

It reads the server's messages from standard input and writes its votes to
standard output, nothing else, so the pipes carry what a network would. When its
input ends it writes what training cost to --report. `binaries.device_server`
starts it:

python -m binaries.device_client --model=model_trainable.tflite \
    --examples=client_0.npz --report=client_0.json
"""

import sys

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.export import litert
from tff_hidenseek.on_device import client as client_lib

_MODEL = flags.DEFINE_string('model', None, 'The TFLite file that trains.')
_EXAMPLES = flags.DEFINE_string(
    'examples', None, 'An .npz file with the examples, arrays x and y.'
)
_REPORT = flags.DEFINE_string('report', None, 'The .json file to write.')
_LEARNING_RATE = flags.DEFINE_float('learning_rate', 1.0, 'Step size.')
_NUM_EPOCHS = flags.DEFINE_integer(
    'num_epochs', 1, 'Epochs over the examples in a round.', lower_bound=1
)
_SEED = flags.DEFINE_integer('seed', 0, 'Shuffles the examples.')


def main(argv):
  with command_line.user_errors():
    command_line.check_arguments(argv)
    client = client_lib.DeviceClient(
        litert.open_file(_MODEL.value),
        *client_lib.read_examples(_EXAMPLES.value),
        _LEARNING_RATE.value,
        _NUM_EPOCHS.value,
        _SEED.value,
    )
    client.serve(sys.stdin.buffer, sys.stdout.buffer)
    client.write_report(_REPORT.value)


def run():
  flags.mark_flags_as_required(['model', 'examples', 'report'])
  command_line.run(main)


if __name__ == '__main__':
  run()
