"""FedAvg (https://arxiv.org/abs/1602.05629), dense float32.

The mean of the clients' weights, weighted by their numbers of examples, is the
new global model: TFF's `tff.aggregators.MeanFactory` over the same round that
every algorithm here runs.
"""

import collections

import attrs
import tensorflow_federated as tff

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import options as options_lib


@attrs.frozen(kw_only=True)
class FedAvgOptions(options_lib.LocalTrainingOptions):
  """FedAvg has no choices but those of the local training."""


class DenseClientWork(client_work.GradientClientWork):
  """Trains all weights of a dense model."""

  def start(self, message, client_state):
    del client_state
    for variable, value in zip(self.model.trainable_variables, message):
      variable.assign(value)

  def make_upload(self, seed):
    del seed
    return [v.read_value() for v in self.model.trainable_variables]


def build_fed_avg(
    task: federated_algorithm.LearningTask, options: FedAvgOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedAvg from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)

  def build_client():
    return DenseClientWork(dense_network.build_model(task), options)

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda weights: weights,
          build_client=build_client,
          aggregation_factory=tff.aggregators.MeanFactory(),
          read_upload=lambda weights: weights,
          update_server=lambda state, mean: (mean, collections.OrderedDict()),
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
      ),
  )
