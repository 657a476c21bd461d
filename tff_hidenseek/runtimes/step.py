"""Calls of a dataflow as one TensorFlow function."""

import itertools
from typing import Any, Callable, Dict, Iterable, List, Sequence, Tuple

import attrs
import tensorflow as tf

from tff_hidenseek.runtimes import dataflow

Tensors = Sequence[tf.Tensor]
_Traced = Callable[[Iterable[tf.Tensor]], Tensors]


@attrs.define(eq=False)
class Step:
  """Runs calls for a block of clients, one client after the other.

  A block is one call of TensorFlow, which pays for its overhead once. Work at
  the server is a block of one client without inputs of its own.

  Attributes:
    shared: The symbols that are the same for every client.
    carried: The symbols that one client hands on to the next.
    inputs: The symbols that each client has for itself.
    calls: The calls, each after those that define its inputs.
    updated: The symbols that become `carried` for the next client.
    outputs: The symbols to return for each client.
  """

  shared: Tuple[dataflow.Symbol, ...]
  carried: Tuple[dataflow.Symbol, ...]
  inputs: Tuple[dataflow.Symbol, ...]
  calls: Tuple[dataflow.Call, ...]
  updated: Tuple[dataflow.Symbol, ...]
  outputs: Tuple[dataflow.Symbol, ...]
  _traced: Dict[int, _Traced] = attrs.field(factory=dict, init=False)

  def run(
      self, shared: Tensors, carried: Tensors, clients: Sequence[Tensors]
  ) -> Tuple[List[tf.Tensor], List[List[tf.Tensor]]]:
    """Runs the calls.

    Args:
      shared: The tensors of `shared`.
      carried: The tensors of `carried` for the first client.
      clients: The tensors of `inputs` for each client.

    Returns:
      The tensors of `updated` after the last client, and those of `outputs`
      for each client.
    """
    if not self.calls:
      return self.compute(shared, carried, clients)
    function = self.trace(len(clients))
    results = iter(function(itertools.chain(shared, carried, *clients)))
    updated = list(itertools.islice(results, len(self.updated)))
    width = len(self.outputs)
    return updated, [list(itertools.islice(results, width)) for _ in clients]

  def trace(self, num_clients: int) -> _Traced:
    """Returns the function of flat tensors for so many clients."""
    if num_clients in self._traced:
      return self._traced[num_clients]

    def compute(*given: tf.Tensor) -> List[tf.Tensor]:
      tensors = iter(given)
      updated, outputs = self.compute(
          list(itertools.islice(tensors, len(self.shared))),
          list(itertools.islice(tensors, len(self.carried))),
          [
              list(itertools.islice(tensors, len(self.inputs)))
              for _ in range(num_clients)
          ],
      )
      return updated + list(itertools.chain.from_iterable(outputs))

    symbols = self.shared + self.carried + self.inputs * num_clients
    specs = [symbol.spec for symbol in symbols]
    function = tf.function(
        compute, input_signature=specs, autograph=False
    ).get_concrete_function()
    self._traced[num_clients] = _build_call(function, specs)
    return self._traced[num_clients]

  def compute(
      self, shared: Tensors, carried: Tensors, clients: Sequence[Tensors]
  ) -> Tuple[List[tf.Tensor], List[List[tf.Tensor]]]:
    """Does what `run` does, one call of TensorFlow for each of `calls`."""
    tensors = dict(zip(self.shared, shared))
    outputs = []
    for inputs in clients:
      tensors.update(zip(self.carried, carried))
      tensors.update(zip(self.inputs, inputs))
      for call in self.calls:
        results = call.function([tensors[symbol] for symbol in call.inputs])
        tensors.update(zip(call.outputs, results))
      carried = [tensors[symbol] for symbol in self.updated]
      outputs.append([tensors[symbol] for symbol in self.outputs])
    return list(carried), outputs


def _build_call(
    function: Any, specs: Sequence[tf.TensorSpec]
) -> _Traced:
  """Returns the fastest way to call a traced function on tensors."""
  has_datasets = any(spec.dtype == tf.variant for spec in specs)
  if has_datasets or tf.config.list_logical_devices('GPU'):
    # Only a function's own call leaves datasets and integers in host memory.
    return lambda tensors: function(*tensors)
  # An op that calls the function has a tenth of the overhead.
  dtypes = [tensor.dtype for tensor in function.outputs]
  return lambda tensors: tf.raw_ops.StatefulPartitionedCall(
      args=list(tensors), Tout=dtypes, f=function
  )
