"""Trains the embedded digits on a device, to the accuracy they must have."""

import statistics
import time
from typing import Any, Mapping

from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run

# The experiment that `make train` runs: configs/hidenseek.digits.cnn.flags.
DIGITS = dict(
    algorithm='hidenseek',
    dataset='digits',
    model='cnn',
    partition='iid',
    num_clients=10,
    clients_per_round=10,
    num_rounds=40,
    num_epochs=3,
    batch_size=10,
    density=0.1,
)
_NUM_AVERAGED_ROUNDS = 10


def check_digits(
    device: str, values: Mapping[str, Any], least_accuracy: float
) -> gpu_outcome.Outcome:
  """Trains an experiment's clients on a device to the accuracy it must have.

  The accuracy is the mean over the last ten rounds, or all if there are less:
  from round to round, and from rounding to rounding, it varies by a percent.

  Args:
    device: The device's name.
    values: The experiment's options.
    least_accuracy: Of the global model on the data set's test split.

  Returns:
    The outcome.
  """
  config = config_lib.build_config(values)
  gpu_parity.use_device(device, client_threads=None)
  federation = federation_lib.build_federation(config)
  algorithm = training_loop.build_algorithm(config, federation)
  run = training_run.TrainingRun(config, algorithm, federation)
  losses, accuracies, seconds = [], [], 0.0
  for round_num in range(1, config.num_rounds + 1):
    start = time.monotonic()
    losses.append(run.train_round(round_num)['train_loss'])
    seconds += time.monotonic() - start
    if round_num > config.num_rounds - _NUM_AVERAGED_ROUNDS:
      accuracies.append(run.global_accuracy())
  accuracy = statistics.mean(accuracies)
  return gpu_outcome.Outcome(
      accuracy >= least_accuracy,
      f'accuracy {accuracy:.4f} (at least {least_accuracy}), the mean of the'
      f' last {len(accuracies)} rounds',
      dict(
          accuracy=accuracy,
          least_accuracy=least_accuracy,
          last_accuracies=accuracies,
          seconds=seconds,
          train_losses=losses,
      ),
  )
