"""The dense network that algorithms without frozen weights start from."""

import collections
from typing import Any, Callable, List

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import means
from tff_hidenseek.models import layer_sets


@attrs.frozen(eq=False)
class DenseNetwork:
  """A seeded He-normal network of which every weight trains.

  Attributes:
    weights: Its trainable weights, `float32` arrays.
    layer_densities: 1 for each layer with a kernel.
    num_weights: Weights in all kernels.
  """

  weights: List[np.ndarray]
  layer_densities: collections.OrderedDict
  num_weights: int

  @property
  def size(self) -> int:
    """How many numbers the weights are, biases among them."""
    return sum(w.size for w in self.weights)


def build_dense_network(task: federated_algorithm.LearningTask) -> DenseNetwork:
  """Draws the network of a task from its seed."""
  model = task.build_model(layer_sets.DenseLayers(initializer_seed=task.seed))
  layers = layer_sets.prunable_layers(model)
  return DenseNetwork(
      weights=[v.numpy() for v in model.trainable_variables],
      layer_densities=collections.OrderedDict((x.name, 1.0) for x in layers),
      num_weights=sum(int(np.prod(x.kernel.shape)) for x in layers),
  )


def build_model(task: federated_algorithm.LearningTask) -> tf.keras.Model:
  """Builds the network for a client, whose weights are assigned."""
  return task.build_model(layer_sets.DenseLayers())


def build_algorithm_of_updates(
    task: federated_algorithm.LearningTask,
    network: DenseNetwork,
    build_client: Callable[[tf.keras.Model], client_work.ClientWork],
    decode: Callable[[Any], tf.Tensor],
) -> federated_algorithm.FederatedAlgorithm:
  """Builds an algorithm that adds the clients' mean update to the weights.

  The mean is weighted by the clients' numbers of examples.

  Args:
    task: What is learned.
    network: The first weights.
    build_client: Makes a client's work from its model.
    decode: Maps an upload to the client's update, `float32[network.size]`.

  Returns:
    The algorithm.
  """

  def update_server(state, mean):
    return flat_weights.add(state, mean), collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda state: state,
          build_client=lambda: build_client(build_model(task)),
          aggregation_factory=means.DecodedMeanFactory(decode),
          update_server=update_server,
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
      ),
  )
