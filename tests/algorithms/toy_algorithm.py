"""An algorithm as a newcomer adds one: FedAvg, but only a part of the way."""

import attrs
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.models import layer_sets


@attrs.frozen(kw_only=True)
class ToyOptions(options_lib.LocalTrainingOptions):
  """Choices of the method; the help of each says what it is."""

  server_step: float = options_lib.option(
      0.5, 'How far the server goes towards the mean.', above=0, maximum=1
  )


def build_toy(
    task: federated_algorithm.LearningTask, options: ToyOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds the algorithm."""
  model = task.build_model(layer_sets.DenseLayers(initializer_seed=task.seed))
  layers = layer_sets.prunable_layers(model)

  def update_server(state, mean):
    updates = [
        options.server_step * (new - old) for old, new in zip(state, mean)
    ]
    new_state = [old + update for old, update in zip(state, updates)]
    return new_state, dict(update_norm=tf.linalg.global_norm(updates))

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=[v.numpy() for v in model.trainable_variables],
          make_message=lambda state: state,
          build_client=lambda: fed_avg.DenseClientWork(
              task.build_model(layer_sets.DenseLayers()), options
          ),
          aggregation_factory=tff.aggregators.MeanFactory(),
          update_server=update_server,
          layer_densities={layer.name: 1.0 for layer in layers},
          num_weights=sum(int(tf.size(layer.kernel)) for layer in layers),
      ),
  )
