"""Federated rounds whose clients are devices: processes without TensorFlow.

The server is this project's: its network, its tally on the way down, its
aggregation of packed votes. A process's pipes carry what a network would.
"""

import contextlib
import json
import os
import subprocess
from typing import Any, Dict, Iterator, List, Mapping, Sequence

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.export import trainable
from tff_hidenseek import files
from tff_hidenseek.learning import federated_algorithm

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
# What a simulation draws, and real devices do.
_SIMULATED = (
    'dropout_rate',
    'straggler_rate',
    'round_timeout',
    'over_selection',
)


def check_config(config) -> None:
  """Raises `ValueError` if devices cannot do what an experiment asks for.

  Args:
    config: The `ExperimentConfig`.
  """
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
  for name in _SIMULATED:
    if getattr(config, name):
      raise ValueError(
          f'`{name}` must be 0 on devices, found {getattr(config, name)!r}: it '
          'is simulated.'
      )
  if config.clients_per_round != config.num_clients:
    raise ValueError(
        '`clients_per_round` must be `num_clients` on devices, found '
        f'{config.clients_per_round} and {config.num_clients}.'
    )


class Device:
  """A client's process and its pipes.

  Attributes:
    client_id: The client's number.
  """

  def __init__(self, client_id: int, command: Sequence[str], report_path: str):
    """Starts the process.

    Args:
      client_id: The client's number.
      command: A program that answers messages on its pipes as
        `binaries.device_client` does.
      report_path: Where it writes its report.
    """
    self.client_id = client_id
    self._report_path = report_path
    self._process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )

  def send(self, message: bytes) -> None:
    """Sends a message; raises `OSError` if the process has ended."""
    self._process.stdin.write(message)
    self._process.stdin.flush()

  def receive(self, num_bytes: int) -> np.ndarray:
    """Returns the answer, `uint8[num_bytes]`; raises `OSError` without one."""
    votes = self._process.stdout.read(num_bytes)
    if len(votes) != num_bytes:
      raise OSError(f'The process of client {self.client_id} has ended.')
    return np.frombuffer(votes, np.uint8)

  def finish(self) -> Dict[str, Any]:
    """Ends the process and returns its report."""
    self._process.stdin.close()
    self._process.wait()
    with open(self._report_path, encoding='utf-8') as report:
      return json.load(report)

  def kill(self) -> None:
    """Ends the process at once."""
    self._process.kill()
    self._process.wait()


@contextlib.contextmanager
def start_devices(
    config,
    model: tf.keras.Model,
    client_data: Sequence[Mapping[str, tf.Tensor]],
    folder: str,
    command: Sequence[str],
) -> Iterator[List[Device]]:
  """Starts a process for each client; none outlives the block.

  Args:
    config: The `ExperimentConfig`, which `check_config` has passed.
    model: The sign-masked model that is trained.
    client_data: Each client's examples: images `x` and labels `y`.
    folder: Where the model's file, the examples and the reports go.
    command: What runs `binaries.device_client`, without its flags.

  Yields:
    The devices.

  Raises:
    ValueError: If the model cannot train on a device.
  """
  model_path = os.path.join(folder, 'model_trainable.tflite')
  files.write_atomically(
      model_path, trainable.convert_trainable(model, config.options.batch_size)
  )
  with contextlib.ExitStack() as stack:
    devices = []
    for client_id, data in enumerate(client_data):
      examples = os.path.join(folder, f'client_{client_id}.npz')
      np.savez(examples, x=data['x'].numpy(), y=data['y'].numpy())
      report = os.path.join(folder, f'client_{client_id}.json')
      flags = [
          f'--model={model_path}',
          f'--examples={examples}',
          f'--report={report}',
          f'--learning_rate={config.options.client_learning_rate}',
          f'--num_epochs={config.options.num_epochs}',
          f'--seed={config.seed + client_id}',
      ]
      devices.append(Device(client_id, [*command, *flags], report))
      stack.callback(devices[-1].kill)
    yield devices


def run_rounds(
    config,
    algorithm: federated_algorithm.FederatedAlgorithm,
    devices: Sequence[Device],
):
  """Runs all rounds, and prints the bytes of each.

  Args:
    config: The `ExperimentConfig`, which `check_config` has passed.
    algorithm: HideNseek, as built for it.
    devices: All clients, which take part in every round.

  Returns:
    The server's last state.

  Raises:
    OSError: If a client's process ends.
  """
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
