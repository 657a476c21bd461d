"""What runs at the server, as TFF computations."""

import collections
from typing import Any, Callable, List, Sequence, Tuple

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import federated_algorithm


@attrs.frozen(eq=False)
class ServerComputations:
  """An algorithm's computations at the server.

  Attributes:
    initialize: To the first `ServerState`, at the server.
    make_round_broadcast: From a state to what clients are sent in a round.
    make_final_broadcast: From a state to what evaluations send.
    update: From `<state, aggregator's state, aggregate, totals>` to the new
      state and the round's metrics.
    measurements: Names of the algorithm's own metrics among them.
  """

  initialize: tff.Computation
  make_round_broadcast: tff.Computation
  make_final_broadcast: tff.Computation
  update: tff.Computation
  measurements: Sequence[str]

  def broadcast_round(self, server_state: Any) -> Any:
    """Sends clients their round's message; for federated computations."""
    return _broadcast(self.make_round_broadcast, server_state)

  def broadcast_final(self, server_state: Any) -> Any:
    """Sends clients what evaluations send; for federated computations."""
    return _broadcast(self.make_final_broadcast, server_state)


def _broadcast(make_broadcast: tff.Computation, server_state: Any) -> Any:
  return tff.federated_broadcast(
      tff.federated_map(make_broadcast, server_state)
  )


def type_of_arrays(arrays: Any) -> tff.Type:
  """Returns the TFF type of a structure of NumPy arrays."""
  return tff.to_type(
      tf.nest.map_structure(
          lambda array: tff.TensorType(array.dtype, array.shape), arrays
      )
  )


def algorithm_state_type(initial_state: Any) -> tff.Type:
  """Returns the TFF type of an algorithm's state, given its first one."""
  return _build_initial_state(initial_state).type_signature.result


def broadcast_type(
    make_message: Callable[[Any], Any], state_type: tff.Type
) -> tff.Type:
  """Returns the TFF type of what a client is sent in a round.

  Args:
    make_message: Maps the algorithm's state to the message's content.
    state_type: The type of the algorithm's state.
  """
  content = tff.tensorflow.computation(make_message, state_type)
  return tff.to_type(
      collections.OrderedDict(
          round_num=np.int32, content=content.type_signature.result
      )
  )


def make_broadcast(
    make_message: Callable[[Any], Any], state: federated_algorithm.ServerState
) -> collections.OrderedDict[str, Any]:
  """Returns all that the server sends to a client in a round, as tensors."""
  return collections.OrderedDict(
      round_num=state.round_num, content=make_message(state.algorithm)
  )


def build_server_computations(
    method: federated_algorithm.Method,
    aggregation: tff.templates.AggregationProcess,
    totals_type: tff.Type,
) -> ServerComputations:
  """Builds the computations of an algorithm at the server.

  Args:
    method: What the algorithm does.
    aggregation: The aggregation of the uploads.
    totals_type: The type of what is summed over clients beside them.

  Returns:
    The computations.
  """
  initial_state = _build_initial_state(method.initial_state)

  @tff.federated_computation
  def initialize() -> Any:
    return tff.federated_zip(
        federated_algorithm.ServerState(
            round_num=tff.federated_value(np.int32(0), tff.SERVER),
            algorithm=tff.federated_eval(initial_state, tff.SERVER),
            aggregator=aggregation.initialize(),
        )
    )

  state_type = initialize.type_signature.result.member

  @tff.tensorflow.computation(state_type)
  def make_round_broadcast(state: federated_algorithm.ServerState) -> Any:
    return make_broadcast(method.make_message, state)

  @tff.tensorflow.computation(state_type)
  def make_final_broadcast(state: federated_algorithm.ServerState) -> Any:
    return make_broadcast(method.make_final_message, state)

  aggregated = aggregation.next.type_signature.result
  names: List[str] = []

  @tff.tensorflow.computation(
      state_type, aggregated.state.member, aggregated.result.member, totals_type
  )
  def update(
      state: federated_algorithm.ServerState,
      aggregator: Any,
      aggregate: Any,
      totals: Any,
  ) -> Any:
    if method.refine_aggregate is not None:
      aggregate = method.refine_aggregate(aggregate, totals['num_clients'])
    algorithm, measurements = method.update_server(state.algorithm, aggregate)
    names[:] = measurements
    metrics = collections.OrderedDict(
        train_loss=totals['loss'] / totals['num_examples'],
        bytes_up=totals['bytes_up'],
        bytes_down=totals['bytes_down'],
        **measurements,
    )
    new_state = federated_algorithm.ServerState(
        state.round_num + 1, algorithm, aggregator
    )
    return new_state, metrics

  return ServerComputations(
      initialize, make_round_broadcast, make_final_broadcast, update, names
  )


def build_weight_accessors(
    state_type: tff.Type,
) -> Tuple[tff.Computation, tff.Computation]:
  """Returns `get_model_weights` and `set_model_weights` of a process.

  Args:
    state_type: The type of the server's state.
  """

  @tff.tensorflow.computation(state_type)
  def get_model_weights(state: federated_algorithm.ServerState) -> Any:
    return state.algorithm

  @tff.tensorflow.computation(
      state_type, get_model_weights.type_signature.result
  )
  def set_model_weights(
      state: federated_algorithm.ServerState, weights: Any
  ) -> federated_algorithm.ServerState:
    return attrs.evolve(state, algorithm=weights)

  return get_model_weights, set_model_weights


def _build_initial_state(arrays: Any) -> tff.Computation:

  @tff.tensorflow.computation
  def initial_state() -> Any:
    return tf.nest.map_structure(tf.constant, arrays)

  return initial_state
