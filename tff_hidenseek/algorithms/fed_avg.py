"""FedAvg (https://arxiv.org/abs/1602.05629), dense float32.

The mean of the clients' weights, weighted by their numbers of examples, is the
new global model: TFF's `tff.aggregators.MeanFactory` over the same round that
every algorithm here runs. `robust_aggregation` has what can take its place.
"""

import collections
from typing import Any, List

import attrs
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import robust_aggregation


@attrs.frozen(kw_only=True)
class FedAvgOptions(
    options_lib.LocalTrainingOptions, robust_aggregation.RobustMeanOptions
):
  """FedAvg has no choices but the local training and the aggregation."""


class DenseClientWork(client_work.GradientClientWork):
  """Trains all weights of a dense model."""

  def start(self, message, client_state):
    del client_state
    for variable, value in zip(self.model.trainable_variables, message):
      variable.assign(value)

  def make_upload(self, seed):
    del seed
    return [v.read_value() for v in self.model.trainable_variables]


class UpdateClientWork(DenseClientWork):
  """Trains all weights of a dense model and uploads how far they moved."""

  def start(self, message, client_state):
    super().start(message, client_state)
    self._received = message

  def make_upload(self, seed):
    return _subtract(super().make_upload(seed), self._received)


def _subtract(a: Any, b: Any) -> List[tf.Tensor]:
  return [x - y for x, y in zip(a, b)]


def _add(a: Any, b: Any) -> List[tf.Tensor]:
  return [x + y for x, y in zip(a, b)]


def build_fed_avg(
    task: federated_algorithm.LearningTask, options: FedAvgOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedAvg from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the aggregation.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)
  sends_updates = options.aggregation == 'clipped'
  client_class = UpdateClientWork if sends_updates else DenseClientWork

  def build_client():
    return client_class(dense_network.build_model(task), options)

  def read_update(received, upload):
    return list(upload) if sends_updates else _subtract(upload, received)

  def write_update(received, update):
    return update if sends_updates else _add(received, update)

  def update_server(state, mean):
    new_state = _add(state, mean) if sends_updates else mean
    return new_state, collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda weights: weights,
          build_client=build_client,
          aggregation_factory=robust_aggregation.build_mean(options),
          read_upload=(
              (lambda weights: weights)
              if options.aggregation == 'mean'
              else None
          ),
          forge_upload=attacks.build_update_forger(
              task.adversary, task.seed, read_update, write_update
          ),
          update_server=update_server,
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
      ),
  )
