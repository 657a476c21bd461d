"""Composes an algorithm over cohorts: a round is a sum of partial sums.

A cohort adds up what the server would read in the uploads of its clients, so
less is handed on and folded. The state is that of the algorithm client by
client, and its next round may have other cohorts, or none.
"""

from typing import Any, Callable, Optional

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import at_once_computations
from tff_hidenseek.learning import client_computations
from tff_hidenseek.learning import cohort_computations
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import server_computations

# One after another; all at once, a step of all being one set of kernels; and
# that compiled by XLA.
TRAININGS = ('in_turn', 'at_once', 'compiled')


def build_cohort_algorithm(
    task: federated_algorithm.LearningTask,
    method: federated_algorithm.Method,
    read_upload: Callable[[Any], Any],
    clients: client_computations.ClientComputations,
    server: server_computations.ServerComputations,
    train_size: Optional[int] = None,
    test_size: Optional[int] = None,
    training: str = 'in_turn',
) -> federated_algorithm.CohortAlgorithm:
  """Builds the computations of an algorithm over cohorts.

  Args:
    task: What is learned.
    method: What the algorithm does; its aggregation keeps no state, or that of
      its `sum_factory`.
    read_upload: The method's.
    clients: What runs at one client.
    server: What runs at the server.
    train_size: How many examples each client trains on, if all have as many: a
      program for such clients alone is faster.
    test_size: How many it is tested on.
    training: How the clients of a cohort train: a name in `TRAININGS`.

  Returns:
    The algorithm.

  Raises:
    ValueError: If clients of this method train in turn alone, and are to train
      at once.
  """
  data_type = cohort_data.cohort_data_type(task.input_shape)
  message_type = clients.update.type_signature.parameter[0]
  if training == 'in_turn':
    cohorts = cohort_computations.build_cohort_computations(
        method.build_client,
        read_upload,
        message_type,
        data_type,
        clients.update.type_signature.result,
        is_weighted=method.is_weighted,
        seed=task.seed,
        forge_upload=method.forge_upload,
        train_size=train_size,
        test_size=test_size,
    )
  elif method.build_cohort_work is None:
    raise ValueError(
        '`training` must be in_turn with a method whose clients cannot train '
        f'at once, found {training!r}.'
    )
  else:
    cohorts = at_once_computations.build_at_once_computations(
        method.build_cohort_work,
        read_upload,
        message_type,
        data_type,
        is_weighted=method.is_weighted,
        seed=task.seed,
        forge_upload=method.forge_upload,
        compiled=training == 'compiled',
    )
  sums_type = cohorts.update.type_signature.result
  aggregation = None
  if method.sum_factory is not None:
    aggregation = method.sum_factory.create(sums_type['decoded'])

  @tff.tensorflow.computation(sums_type['decoded'], sums_type['weight'])
  def divide(decoded: Any, weight: tf.Tensor) -> Any:
    return tf.nest.map_structure(
        lambda x: tf.math.divide_no_nan(x, weight), decoded
    )

  def aggregate(aggregator: Any, sums: Any) -> Any:
    """Returns the aggregator's new state and the aggregate of all clients."""
    if aggregation is not None:
      aggregated = aggregation.next(aggregator, sums['decoded'])
      return aggregated.state, aggregated.result
    decoded, weight = (
        tff.federated_sum(sums[name]) for name in ('decoded', 'weight')
    )
    return aggregator, tff.federated_map(divide, (decoded, weight))

  server_type = server.initialize.type_signature.result
  cohorts_type = tff.FederatedType(data_type, tff.CLIENTS)

  @tff.federated_computation(server_type, cohorts_type)
  def next_fn(server_state: Any, data: Any) -> Any:
    message = server.broadcast_round(server_state)
    sums = tff.federated_map(cohorts.update, (message, data))
    aggregator, result = aggregate(server_state.aggregator, sums)
    totals = tff.federated_sum(sums['totals'])
    new_state, metrics = tff.federated_map(
        server.update, (server_state, aggregator, result, totals)
    )
    return tff.learning.templates.LearningProcessOutput(new_state, metrics)

  @tff.federated_computation(server_type, cohorts_type, cohorts_type)
  def evaluate_personal(
      server_state: Any, train_data: Any, test_data: Any
  ) -> Any:
    message = server.broadcast_final(server_state)
    return tff.federated_map(
        cohorts.train_and_count_correct, (message, train_data, test_data)
    )

  return federated_algorithm.CohortAlgorithm(next_fn, evaluate_personal)
