"""A compiled computation, ready to run on any argument."""

from typing import Dict, Iterator, List, Sequence

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import arguments
from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import dataflow_builder
from tff_hidenseek.runtimes import schedule
from tff_hidenseek.runtimes import step
from tff_hidenseek.runtimes import type_leaves
from tff_hidenseek.runtimes import values


class Program:
  """Runs one computation, pass by pass.

  Nothing is held for each client but what the computation keeps: a value that
  is returned at clients, or one that waits for an aggregation.
  """

  def __init__(self, computation: tff.framework.ConcreteComputation) -> None:
    """Compiles `computation`.

    Args:
      computation: The computation.

    Raises:
      NotImplementedError: If it needs an intrinsic that is not supported here.
    """
    native = dataflow_builder.compile_to_native(computation)
    self._flow = dataflow_builder.build_dataflow(native.to_building_block())
    self._passes = schedule.build_schedule(self._flow)
    self._bind = arguments.build_binder(
        computation.type_signature.parameter, self._flow.parameters
    )
    self._result_type = computation.type_signature.result

  def run(
      self, argument: object, visit_clients: schedule.VisitFn
  ) -> object:
    """Runs the computation.

    Args:
      argument: Its argument; None if it takes none.
      visit_clients: Runs the clients of a pass.

    Returns:
      The result, in NumPy values and the containers of its type.
    """
    run = _Run(self._bind(argument))
    for current in self._passes:
      run.visit_server(current.server)
      if current.visits_clients:
        run.visit_clients(current, visit_clients)
    return run.pack(self._result_type, iter(self._flow.results))


class _Run:
  """The tensors known so far in one run of a program."""

  def __init__(self, bound: arguments.Arguments) -> None:
    self._arguments = bound
    self._server = dict(bound.server)
    # One tensor for each client.
    self._clients: Dict[dataflow.Symbol, List[tf.Tensor]] = {}

  def _look_up(self, symbols: Sequence[dataflow.Symbol]) -> List[tf.Tensor]:
    return [self._server[symbol] for symbol in symbols]

  def visit_server(self, server: step.Step) -> None:
    """Runs the server's part of a pass."""
    _, (outputs,) = server.run(self._look_up(server.shared), [], [[]])
    self._server.update(zip(server.outputs, outputs))

  def visit_clients(
      self, current: schedule.Pass, visit_clients: schedule.VisitFn
  ) -> None:
    """Runs the clients' part of a pass."""
    totals, kept = visit_clients(
        schedule.Visit(
            work=current,
            num_clients=self._num_clients(),
            shared=self._look_up(current.clients.shared),
            accumulate_shared=self._look_up(current.accumulate.shared),
            zero=self._look_up(current.zero),
            get_inputs=lambda index: self._client_tensors(
                index, current.clients.inputs
            ),
        )
    )
    self._server.update(zip(current.totals, totals))
    self._clients.update(
        (symbol, [tensors[place] for tensors in kept])
        for place, symbol in enumerate(current.kept)
    )

  def _num_clients(self) -> int:
    if self._arguments.num_clients is None:
      raise ValueError(
          'The number of clients must follow from an argument at clients, found'
          ' none.'
      )
    return self._arguments.num_clients

  def _client_tensors(
      self, index: int, symbols: Sequence[dataflow.Symbol]
  ) -> List[tf.Tensor]:
    """Returns one client's tensors, or those that are equal at all."""
    given: Dict[dataflow.Symbol, tf.Tensor] = {}
    if any(s.at_clients and s not in self._clients for s in symbols):
      given = self._arguments.convert_client(index)
    tensors = []
    for symbol in symbols:
      if symbol in self._clients:
        tensors.append(self._clients[symbol][index])
      elif symbol.at_clients:
        tensors.append(given[symbol])
      else:
        tensors.append(self._server[symbol])
    return tensors

  def pack(
      self, type_spec: tff.Type, symbols: Iterator[dataflow.Symbol]
  ) -> object:
    """Returns the value of a type made of an iterator of symbols."""
    if isinstance(type_spec, tff.StructType):
      packed = [
          (name, self.pack(element, symbols))
          for name, element in tff.structure.iter_elements(type_spec)
      ]
      return tff.types.type_to_py_container(
          tff.structure.Struct(packed), type_spec
      )
    is_federated = isinstance(type_spec, tff.FederatedType)
    member_type = type_spec.member if is_federated else type_spec
    leaves = type_leaves.take(member_type, symbols)
    if (
        is_federated
        and type_spec.placement is tff.CLIENTS
        and not type_spec.all_equal
    ):
      return [
          values.to_numpy(self._client_tensors(index, leaves), member_type)
          for index in range(self._num_clients())
      ]
    return values.to_numpy(self._look_up(leaves), member_type)
