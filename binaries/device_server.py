r"""Trains HideNseek on devices: every client is a TFLite interpreter.

Each client is a process of its own, `binaries.device_client`, without
TensorFlow. The server is this project's: its network, its tally on the way
down, its aggregation of packed votes. The flags are those of `binaries.train`,
so the same flag file simulates the same training.

python -m binaries.device_server \
    --flagfile=configs/hidenseek.digits.device.flags --output_dir=runs/devices
"""

import contextlib
import json
import os
import subprocess
import sys
from typing import Sequence

from absl import app
from absl import flags
import attrs
import numpy as np
import tensorflow as tf

from binaries import command_line
from binaries import experiment_flags
from binaries import runtime_flags
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.export import trainable
from tff_hidenseek import files

experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'A new folder for the file, the data and the reports.'
)

# What a device does not do, or does only in one way.
_REQUIRED = {
    'client_optimizer': 'sgd',
    'broadcast': 'tally',
    'votes': 'signs',
    'weight_by_examples': False,
    'class_prior': False,
    'private_layers': '',
    'layer_rates': 'equal',
}


def _check(config) -> None:
  """Raises `ValueError` if devices cannot do what the config asks for."""
  if config.algorithm != 'hidenseek':
    raise ValueError(
        f'`algorithm` must be hidenseek on devices, found {config.algorithm}.'
    )
  for name, value in _REQUIRED.items():
    found = getattr(config.options, name)
    if found != value:
      raise ValueError(
          f'`{name}` must be {value!r} on devices, found {found!r}.'
      )
  if config.clients_per_round != config.num_clients:
    raise ValueError(
        '`clients_per_round` must be `num_clients` on devices, found '
        f'{config.clients_per_round} and {config.num_clients}.'
    )


class _Device:
  """A client's process and its pipes."""

  def __init__(self, client_id: int, options, seed: int, data):
    folder = _OUTPUT_DIR.value
    examples = os.path.join(folder, f'client_{client_id}.npz')
    np.savez(examples, x=data['x'].numpy(), y=data['y'].numpy())
    self.client_id = client_id
    self.report_path = os.path.join(folder, f'client_{client_id}.json')
    self._process = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'binaries.device_client',
            f'--model={_model_path()}',
            f'--examples={examples}',
            f'--report={self.report_path}',
            f'--learning_rate={options.client_learning_rate}',
            f'--num_epochs={options.num_epochs}',
            f'--seed={seed + client_id}',
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

  def send(self, message: bytes) -> None:
    self._process.stdin.write(message)
    self._process.stdin.flush()

  def receive(self, num_bytes: int) -> np.ndarray:
    votes = self._process.stdout.read(num_bytes)
    if len(votes) != num_bytes:
      raise OSError(f'The process of client {self.client_id} has ended.')
    return np.frombuffer(votes, np.uint8)

  def finish(self) -> dict:
    """Ends the process and returns its report."""
    self._process.stdin.close()
    self._process.wait()
    with open(self.report_path, encoding='utf-8') as report:
      return json.load(report)

  def kill(self) -> None:
    self._process.kill()
    self._process.wait()


def _model_path() -> str:
  return os.path.join(_OUTPUT_DIR.value, 'model_trainable.tflite')


def _train(config, algorithm, devices: Sequence[_Device]):
  """Runs all rounds; returns the server's last state."""
  state = algorithm.process.initialize()
  num_scores = state.algorithm['scores'].size
  votes_type = sign_votes.packed_votes_type(num_scores)
  aggregation = sign_votes.UnweightedSignVoteMeanFactory(num_scores).create(
      votes_type
  )
  aggregation_state = aggregation.initialize()
  encode = vote_broadcasts.VOTE_BROADCASTS[config.options.broadcast].encode
  learned = tf.nest.map_structure(tf.constant, state.algorithm)
  for round_num in range(1, config.num_rounds + 1):
    message = encode(learned['scores']).numpy().tobytes()
    for device in devices:
      device.send(message)
    votes = [device.receive(votes_type.shape[0]) for device in devices]
    output = aggregation.next(aggregation_state, votes)
    aggregation_state = output.state
    learned = hidenseek.update_state(
        learned, output.result, 1.0, config.options
    )
    print(
        f'round {round_num}: {len(message)} bytes down and {votes[0].size} up, '
        'a client',
        flush=True,
    )
  return attrs.evolve(state, algorithm=learned)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_flags()
    _check(config)
    runtime_flags.set_runtime()
    federation = federation_lib.build_federation(config)
    algorithm = training_loop.build_algorithm(config, federation)
    os.makedirs(_OUTPUT_DIR.value)
    start = algorithm.build_global_model(algorithm.process.initialize())
    files.write_atomically(
        _model_path(),
        trainable.convert_trainable(start, config.options.batch_size),
    )
  with contextlib.ExitStack() as stack:
    devices = []
    for client_id in range(config.num_clients):
      data = federation.train_data(client_id)
      devices.append(_Device(client_id, config.options, config.seed, data))
      stack.callback(devices[-1].kill)
    state = _train(config, algorithm, devices)
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
  app.run(main)


if __name__ == '__main__':
  run()
