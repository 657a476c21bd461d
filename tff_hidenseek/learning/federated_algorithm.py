"""Composes a federated algorithm from what its clients and its server do.

Every round has one shape, which all of TFF's runtimes can execute: broadcast,
map at the clients, aggregates that do not depend on each other, map at the
server.
"""

import collections
from typing import Any, Callable, Optional, Sequence, Union

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import client_computations
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import client_work
from tff_hidenseek.models import layer_sets


@attrs.frozen
class LearningTask:
  """What is learned, whatever the algorithm.

  Attributes:
    build_model: Makes the Keras model that maps images to logits, from the
      layers it is given.
    input_shape: Shape `(height, width, channels)` of one image.
    num_classes: The number of classes.
    seed: The experiment's seed.
  """

  build_model: Callable[[layer_sets.LayerSet], tf.keras.Model]
  input_shape: Sequence[int]
  num_classes: int
  seed: int


@attrs.frozen
class ServerState:
  """What the server keeps from round to round.

  Attributes:
    round_num: How many rounds have been run, `int32[]`.
    algorithm: The algorithm's own state.
    aggregator: The state of the aggregation process.
  """

  round_num: Any
  algorithm: Any
  aggregator: Any


@attrs.frozen
class StatefulClientsOutput:
  """The result of a round whose clients keep state.

  Attributes:
    state: The server's state.
    client_states: What each client keeps.
    metrics: The round's metrics.
  """

  state: Any
  client_states: Any
  metrics: Any


@attrs.frozen(eq=False)
class FederatedAlgorithm:
  """An algorithm, ready to be run round by round.

  Attributes:
    process: A `tff.learning.templates.LearningProcess` with `next(state,
      client_data)`; or, where clients keep state, a
      `tff.templates.IterativeProcess` with `next(state, client_states,
      client_data)`, which returns a `StatefulClientsOutput`.
    evaluate: Computation from a state and shards of examples at the clients to
      `num_correct` and `num_examples` of the global model, summed.
    evaluate_personal: Computation from a state, the client states (if any), the
      clients' training and their test examples to the `num_correct` and
      `num_examples` of every client's own model after local training.
    initial_client_state: What a client keeps before its first round, as NumPy
      arrays; `None` where clients keep nothing.
    build_global_model: Makes the global Keras model of a state.
    build_personal_model: Makes the Keras model of a client, after its local
      training, from a state, the client's state (`None` where clients keep
      nothing) and its training data.
    setup_message: What a client is sent once, before its first round, as NumPy
      arrays.
    num_weights: Weights in all kernels of the model, kept or not.
    layer_densities: Fraction of its weights that each layer keeps.
  """

  process: Union[
      tff.learning.templates.LearningProcess, tff.templates.IterativeProcess
  ]
  evaluate: tff.Computation
  evaluate_personal: tff.Computation
  initial_client_state: Any
  build_global_model: Callable[[ServerState], tf.keras.Model]
  build_personal_model: Callable[[ServerState, Any, Any], tf.keras.Model]
  setup_message: Any
  num_weights: int
  layer_densities: collections.OrderedDict


def build_federated_algorithm(
    task: LearningTask,
    *,
    initial_state: Any,
    make_message: Callable[[Any], Any],
    build_client: Callable[[], client_work.ClientWork],
    aggregation_factory: Union[
        tff.aggregators.WeightedAggregationFactory,
        tff.aggregators.UnweightedAggregationFactory,
    ],
    update_server: Callable[[Any, Any], Any],
    make_final_message: Optional[Callable[[Any], Any]] = None,
    layer_densities: collections.OrderedDict,
    num_weights: int,
    initial_client_state: Optional[Any] = None,
    setup_message: Any = (),
) -> FederatedAlgorithm:
  """Builds the federated computations of an algorithm.

  Args:
    task: What is learned.
    initial_state: The algorithm's state at the start: NumPy arrays.
    make_message: Maps the algorithm's state to what is broadcast.
    build_client: Makes a client's work, with its variables.
    aggregation_factory: Aggregates the uploads; a weighted one weights clients
      by their number of examples, which they then send too.
    update_server: Maps the algorithm's state and the aggregate to the new state
      and a structure of measurements.
    make_final_message: Maps the algorithm's state to what would be broadcast if
      training ended there, which evaluations use; `make_message` if `None`.
    layer_densities: Fraction kept of each layer's kernel.
    num_weights: Weights in all kernels.
    initial_client_state: What a client keeps at the start; `None` for nothing.
    setup_message: What every client is sent once.

  Returns:
    The algorithm.
  """
  make_final_message = make_final_message or make_message
  stateful = initial_client_state is not None
  weighted = isinstance(
      aggregation_factory, tff.aggregators.WeightedAggregationFactory
  )
  first_client_state = initial_client_state if stateful else ()
  data_type = client_data.client_data_type(task.input_shape)

  @tff.tensorflow.computation
  def initial_algorithm_state():
    return tf.nest.map_structure(tf.constant, initial_state)

  algorithm_type = initial_algorithm_state.type_signature.result
  content_type = tff.tensorflow.computation(
      make_message, algorithm_type
  ).type_signature.result
  clients = client_computations.build_client_computations(
      build_client,
      tff.to_type(
          collections.OrderedDict(round_num=np.int32, content=content_type)
      ),
      _type_of(first_client_state),
      data_type,
      initial_client_state=first_client_state,
      sends_weight=weighted,
      seed=task.seed,
  )
  update_type = clients.update.type_signature.result
  aggregation = aggregation_factory.create(
      *[update_type['upload'], update_type['weight']][: 2 if weighted else 1]
  )

  @tff.federated_computation
  def initialize():
    return tff.federated_zip(
        ServerState(
            round_num=tff.federated_value(np.int32(0), tff.SERVER),
            algorithm=tff.federated_eval(initial_algorithm_state, tff.SERVER),
            aggregator=aggregation.initialize(),
        )
    )

  server_state_type = initialize.type_signature.result

  @tff.tensorflow.computation(server_state_type.member)
  def make_round_broadcast(state):
    return _make_broadcast(make_message, state)

  @tff.tensorflow.computation(server_state_type.member)
  def make_final_broadcast(state):
    return _make_broadcast(make_final_message, state)

  aggregation_type = aggregation.next.type_signature.result

  @tff.tensorflow.computation(
      server_state_type.member,
      aggregation_type.state.member,
      aggregation_type.result.member,
      update_type['totals'],
  )
  def update_server_state(state, aggregator, aggregate, totals):
    algorithm, measurements = update_server(state.algorithm, aggregate)
    metrics = collections.OrderedDict(
        train_loss=totals['loss'] / totals['num_examples'],
        bytes_up=totals['bytes_up'],
        bytes_down=totals['bytes_down'],
        **measurements,
    )
    return ServerState(state.round_num + 1, algorithm, aggregator), metrics

  def broadcast(make_broadcast, server_state):
    return tff.federated_broadcast(
        tff.federated_map(make_broadcast, server_state)
    )

  def run_round(server_state, client_states, client_data_):
    output = tff.federated_map(
        clients.update,
        (
            broadcast(make_round_broadcast, server_state),
            client_states,
            client_data_,
        ),
    )
    totals = tff.federated_sum(output['totals'])
    uploads = [output['upload'], output['weight']][: 2 if weighted else 1]
    aggregated = aggregation.next(server_state.aggregator, *uploads)
    new_state, metrics = tff.federated_map(
        update_server_state,
        (server_state, aggregated.state, aggregated.result, totals),
    )
    return new_state, output['client_state'], metrics

  def evaluate_clients(server_state, client_states, train_data, test_data):
    return tff.federated_map(
        clients.train_and_count_correct,
        (
            broadcast(make_final_broadcast, server_state),
            client_states,
            train_data,
            test_data,
        ),
    )

  data_type = tff.FederatedType(data_type, tff.CLIENTS)
  if stateful:
    client_states_type = tff.FederatedType(
        _type_of(initial_client_state), tff.CLIENTS
    )

    @tff.federated_computation(server_state_type, client_states_type, data_type)
    def next_fn(server_state, client_states, clients_data):
      return StatefulClientsOutput(
          *run_round(server_state, client_states, clients_data)
      )

    evaluate_personal = tff.federated_computation(
        evaluate_clients,
        [server_state_type, client_states_type, data_type, data_type],
    )
    process = tff.templates.IterativeProcess(initialize, next_fn)
  else:

    @tff.federated_computation(server_state_type, data_type)
    def next_fn(server_state, clients_data):
      no_states = tff.federated_value((), tff.CLIENTS)
      state, _, metrics = run_round(server_state, no_states, clients_data)
      return tff.learning.templates.LearningProcessOutput(state, metrics)

    @tff.federated_computation(server_state_type, data_type, data_type)
    def evaluate_personal(server_state, train_data, test_data):
      no_states = tff.federated_value((), tff.CLIENTS)
      return evaluate_clients(server_state, no_states, train_data, test_data)

    process = tff.learning.templates.LearningProcess(
        initialize, next_fn, *_build_weight_accessors(server_state_type.member)
    )

  @tff.federated_computation(server_state_type, data_type)
  def evaluate(server_state, shards):
    return tff.federated_sum(
        tff.federated_map(
            clients.count_correct,
            (broadcast(make_final_broadcast, server_state), shards),
        )
    )

  def build_global_model(state):
    client = build_client()
    client.start(
        _make_broadcast(make_final_message, _to_tensors(state))['content'],
        _to_tensors(first_client_state),
    )
    return client.model

  def build_personal_model(state, client_state, data):
    client = build_client()
    message = _make_broadcast(make_final_message, _to_tensors(state))
    client_state = _to_tensors(client_state if stateful else ())
    tf.function(
        lambda: client_computations.personalize_client(
            client, message, client_state, data, task.seed
        ),
        autograph=False,
    )()
    return client.personal_model

  return FederatedAlgorithm(
      process=process,
      evaluate=evaluate,
      evaluate_personal=evaluate_personal,
      initial_client_state=initial_client_state,
      build_global_model=build_global_model,
      build_personal_model=build_personal_model,
      setup_message=setup_message,
      num_weights=num_weights,
      layer_densities=layer_densities,
  )


def _make_broadcast(make_message, state: ServerState):
  """Returns all that the server sends to a client in a round."""
  return collections.OrderedDict(
      round_num=state.round_num, content=make_message(state.algorithm)
  )


def _to_tensors(structure):
  return tf.nest.map_structure(tf.constant, structure)


def _type_of(arrays) -> tff.Type:
  """Returns the TFF type of a structure of NumPy arrays."""
  return tff.to_type(
      tf.nest.map_structure(
          lambda array: tff.TensorType(array.dtype, array.shape), arrays
      )
  )


def _build_weight_accessors(state_type: tff.Type):
  """Returns `get_model_weights` and `set_model_weights` of a process."""

  @tff.tensorflow.computation(state_type)
  def get_model_weights(state):
    return state.algorithm

  @tff.tensorflow.computation(
      state_type, get_model_weights.type_signature.result
  )
  def set_model_weights(state, weights):
    return attrs.evolve(state, algorithm=weights)

  return get_model_weights, set_model_weights
