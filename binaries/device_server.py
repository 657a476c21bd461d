r"""Trains HideNseek on devices: every client is a TFLite interpreter.

Each client is a process of its own, `binaries.device_client`, without
TensorFlow. The flags are those of `binaries.train`, so the same flag file
simulates the same training.

python -m binaries.device_server \
    --flagfile=configs/hidenseek.digits.device.flags --output_dir=runs/devices
"""

import os
import sys

from absl import flags
import numpy as np

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.on_device import server

experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'A new folder for the file, the data and the reports.'
)

_CLIENT_COMMAND = (sys.executable, '-m', 'binaries.device_client')


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_flags()
    server.check_config(config)
    runtime_flags.set_runtime()
    federation = federation_lib.build_federation(config)
    algorithm = training_loop.build_algorithm(config, federation)
    os.makedirs(_OUTPUT_DIR.value)
    run_data.write(_OUTPUT_DIR.value, federation)
    with server.start_devices(
        config,
        algorithm.build_global_model(algorithm.process.initialize()),
        [federation.train_data(i) for i in range(config.num_clients)],
        _OUTPUT_DIR.value,
        _CLIENT_COMMAND,
    ) as devices:
      state = server.run_rounds(config, algorithm, devices)
      reports = [device.finish() for device in devices]
  for device, report in zip(devices, reports):
    print(
        f'client {device.client_id}: {report["steps"]} steps of '
        f'{report["median_step_ms"]:.2f} ms, peak '
        f'{report["peak_memory_mib"]:.0f} MiB, '
        f'{"with" if report["has_tensorflow"] else "without"} TensorFlow'
    )
  model = algorithm.build_global_model(state)
  logits = model.predict(federation.dataset.test_x, verbose=0)
  accuracy = np.mean(logits.argmax(axis=-1) == federation.dataset.test_y)
  print(f'global accuracy {accuracy:.4f}')


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
