"""Composes a federated algorithm from what its clients and its server do.

Every round has one shape, which all of TFF's runtimes can execute: broadcast,
map at the clients, aggregates that do not depend on each other, map at the
server.
"""

import collections
import functools
from typing import Any, Tuple

import tensorflow_federated as tff

from tff_hidenseek.learning import client_computations
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import cohort_process
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import own_models
from tff_hidenseek.learning import server_computations


def build_federated_algorithm(
    task: federated_algorithm.LearningTask, method: federated_algorithm.Method
) -> federated_algorithm.FederatedAlgorithm:
  """Builds the federated computations of an algorithm.

  Args:
    task: What is learned.
    method: What the algorithm does.

  Returns:
    The algorithm.

  Raises:
    ValueError: If a client is malicious, and the method has no attack.
  """
  if task.adversary.clients and method.forge_upload is None:
    raise ValueError(
        '`task.adversary` must have no clients with a method of which no '
        f'upload can be forged, found {task.adversary.clients}.'
    )
  data_type = client_data.client_data_type(task.input_shape)
  state_type = server_computations.algorithm_state_type(method.initial_state)
  first_client_state = method.initial_client_state if method.is_stateful else ()
  client_state_type = server_computations.type_of_arrays(first_client_state)
  clients = client_computations.build_client_computations(
      method.build_client,
      server_computations.broadcast_type(method.make_message, state_type),
      client_state_type,
      data_type,
      initial_client_state=first_client_state,
      sends_weight=method.is_weighted,
      task=task,
      forge_upload=method.forge_upload,
  )
  update_type = clients.update.type_signature.result
  weight_types = [update_type['weight']] if method.is_weighted else []
  aggregation = method.aggregation_factory.create(
      update_type['upload'], *weight_types
  )
  server = server_computations.build_server_computations(
      method, aggregation, update_type['totals']
  )

  def run_round(
      server_state: Any, client_states: Any, clients_data: Any
  ) -> Tuple[Any, Any, Any]:
    message = server.broadcast_round(server_state)
    output = tff.federated_map(
        clients.update, (message, client_states, clients_data)
    )
    totals = tff.federated_sum(output['totals'])
    weights = [output['weight']] if method.is_weighted else []
    aggregated = aggregation.next(
        server_state.aggregator, output['upload'], *weights
    )
    new_state, metrics = tff.federated_map(
        server.update,
        (server_state, aggregated.state, aggregated.result, totals),
    )
    return new_state, output['client_state'], metrics

  def evaluate_clients(
      server_state: Any, client_states: Any, train_data: Any, test_data: Any
  ) -> Any:
    message = server.broadcast_final(server_state)
    return tff.federated_map(
        clients.train_and_count_correct,
        (message, client_states, train_data, test_data),
    )

  server_type = server.initialize.type_signature.result
  clients_type = tff.FederatedType(data_type, tff.CLIENTS)
  if method.is_stateful:
    client_states_type = tff.FederatedType(client_state_type, tff.CLIENTS)

    @tff.federated_computation(server_type, client_states_type, clients_type)
    def next_fn(
        server_state: Any, client_states: Any, clients_data: Any
    ) -> federated_algorithm.StatefulClientsOutput:
      return federated_algorithm.StatefulClientsOutput(
          *run_round(server_state, client_states, clients_data)
      )

    evaluate_personal = tff.federated_computation(
        evaluate_clients,
        [server_type, client_states_type, clients_type, clients_type],
    )

    @tff.federated_computation(server_type, client_states_type)
    def count_received(server_state: Any, client_states: Any) -> Any:
      message = server.broadcast_round(server_state)
      return tff.federated_sum(
          tff.federated_map(clients.count_received, (message, client_states))
      )

    process = tff.templates.IterativeProcess(server.initialize, next_fn)
  else:

    @tff.federated_computation(server_type, clients_type)
    def next_fn(server_state: Any, clients_data: Any) -> Any:
      no_states = tff.federated_value((), tff.CLIENTS)
      state, _, metrics = run_round(server_state, no_states, clients_data)
      return tff.learning.templates.LearningProcessOutput(state, metrics)

    @tff.federated_computation(server_type, clients_type, clients_type)
    def evaluate_personal(
        server_state: Any, train_data: Any, test_data: Any
    ) -> Any:
      no_states = tff.federated_value((), tff.CLIENTS)
      return evaluate_clients(server_state, no_states, train_data, test_data)

    @tff.federated_computation(server_type)
    def count_received(server_state: Any) -> Any:
      message = tff.federated_map(server.make_round_broadcast, server_state)
      no_state = tff.federated_value((), tff.SERVER)
      return tff.federated_map(clients.count_received, (message, no_state))

    process = tff.learning.templates.LearningProcess(
        server.initialize,
        next_fn,
        *server_computations.build_weight_accessors(server_type.member),
    )

  @tff.federated_computation(server_type, clients_type)
  def evaluate(server_state: Any, shards: Any) -> Any:
    message = server.broadcast_final(server_state)
    return tff.federated_sum(
        tff.federated_map(clients.count_correct, (message, shards))
    )

  build_cohorts = None
  if method.read_upload is not None and not method.is_stateful:
    build_cohorts = functools.partial(
        cohort_process.build_cohort_algorithm,
        task,
        method,
        method.read_upload,
        clients,
        server,
    )
  models = own_models.OwnModels(task, method)
  return federated_algorithm.FederatedAlgorithm(
      process=process,
      evaluate=evaluate,
      evaluate_personal=evaluate_personal,
      count_received=count_received,
      initial_client_state=method.initial_client_state,
      build_global_model=models.build_global_model,
      build_personal_model=models.build_personal_model,
      setup_message=method.setup_message,
      num_weights=method.num_weights,
      layer_densities=collections.OrderedDict(method.layer_densities),
      measurements=server.measurements,
      build_cohort_algorithm=build_cohorts,
      trains_at_once=method.build_cohort_work is not None,
      mechanism=method.mechanism,
  )
