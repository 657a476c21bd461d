"""A compiled computation, ready to run on any argument."""

import concurrent.futures
from typing import Sequence

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import arguments
from tff_hidenseek.runtimes import client_stream
from tff_hidenseek.runtimes import compilation
from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import schedule
from tff_hidenseek.runtimes import type_leaves
from tff_hidenseek.runtimes import values


class Program:
  """Runs one computation, pass by pass.

  A client's outputs are folded into the accumulators as soon as its turn comes:
  what is held does not grow with the number of clients, unless the computation
  keeps a value for each of them.
  """

  def __init__(self, computation: tff.framework.ConcreteComputation):
    """Compiles `computation`.

    Args:
      computation: The computation.

    Raises:
      NotImplementedError: If it needs an intrinsic that is not supported here.
    """
    native = compilation.compile_to_native(computation)
    self._flow = dataflow.build_dataflow(native.to_building_block())
    self._passes = schedule.build_schedule(self._flow)
    self._bind = arguments.build_binder(
        computation.type_signature.parameter, self._flow.parameters
    )
    self._result_type = computation.type_signature.result

  def run(
      self,
      argument: object,
      pool: concurrent.futures.ThreadPoolExecutor,
      client_threads: int,
      client_devices: Sequence[str],
  ) -> object:
    """Runs the computation.

    Args:
      argument: Its argument; None if it takes none.
      pool: The threads that run the clients.
      client_threads: Their number.
      client_devices: The names of the devices that the clients run on, in turn.

    Returns:
      The result, in NumPy values and the containers of its type.
    """
    run = _Run(self._bind(argument), pool, client_threads, client_devices)
    for current in self._passes:
      run.visit_server(current.server)
      if current.visits_clients:
        run.visit_clients(current)
    return run.pack(self._result_type, iter(self._flow.results))


class _Run:
  """The tensors known so far in one run of a program."""

  def __init__(self, bound, pool, client_threads, client_devices):
    self._arguments = bound
    self._pool = pool
    self._threads = client_threads
    self._devices = client_devices
    self._server = dict(bound.server)
    self._clients = {}  # From symbol to a list with one tensor a client.

  def _look_up(self, symbols):
    return [self._server[symbol] for symbol in symbols]

  def visit_server(self, server):
    """Runs the server's part of a pass."""
    _, (outputs,) = server.run(self._look_up(server.shared), [], [[]])
    self._server.update(zip(server.outputs, outputs))

  def visit_clients(self, current):
    """Runs the clients' part of a pass and folds what they give."""
    work, accumulate = current.clients, current.accumulate
    copies = [self._copy_to(device, work.shared) for device in self._devices]

    def run_client(index):
      inputs = self._client_tensors(index, work.inputs)
      turn = index % len(self._devices)
      with tf.device(self._devices[turn]):
        _, (outputs,) = work.run(copies[turn], [], [inputs])
      return outputs

    kept = {symbol: [] for symbol in current.kept}
    carried = self._look_up(current.zero)
    shared = self._look_up(accumulate.shared)
    work.trace(1)
    for outputs in client_stream.stream(
        run_client, self._num_clients(), self._pool, self._threads
    ):
      given = outputs[: len(accumulate.inputs)]
      carried, _ = accumulate.run(shared, carried, [given])
      for symbol, tensor in zip(work.outputs, outputs):
        if symbol in kept:
          kept[symbol].append(tensor)
    self._clients.update(kept)
    self._server.update(zip(current.totals, carried))

  def _copy_to(self, device, symbols):
    tensors = self._look_up(symbols)
    if len(self._devices) == 1:
      return tensors
    with tf.device(device):
      return [tf.identity(tensor) for tensor in tensors]

  def _num_clients(self):
    if self._arguments.num_clients is None:
      raise ValueError(
          'The number of clients must follow from an argument at clients, found'
          ' none.'
      )
    return self._arguments.num_clients

  def _client_tensors(self, index, symbols):
    """Returns one client's tensors, or those that are equal at all."""
    given = {}
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

  def pack(self, type_spec, symbols):
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
