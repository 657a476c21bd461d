"""A federated computation as calls on tensors, each at a place.

Zips, selections, broadcasts and functions are gone. What is left are calls at
the server or at the clients, and aggregations between them.
"""

from typing import Callable, Dict, Iterable, List, Tuple

import attrs
import tensorflow as tf

from tff_hidenseek.runtimes import type_leaves


@attrs.frozen(eq=False)
class Symbol:
  """A tensor that is known only when the computation runs.

  Attributes:
    type_spec: The type of the leaf that the tensor stands for.
    at_clients: Whether each client has its own; otherwise there is one, at the
      server or equal at all clients.
    depth: The number of aggregations that must come before it.
  """

  type_spec: type_leaves.LeafType
  at_clients: bool
  depth: int

  @property
  def spec(self) -> tf.TensorSpec:
    """The shape and dtype of the tensor."""
    return type_leaves.tensor_spec(self.type_spec)


@attrs.frozen(eq=False)
class Call:
  """A call of a TensorFlow function.

  Attributes:
    function: Maps a list of tensors to a list of tensors.
    inputs: The symbols it is given.
    outputs: The symbols it defines.
  """

  function: Callable[[List[tf.Tensor]], List[tf.Tensor]]
  inputs: Tuple[Symbol, ...]
  outputs: Tuple[Symbol, ...]


@attrs.frozen(eq=False)
class Aggregation:
  """A fold over the clients, in their order.

  Attributes:
    zero: The symbols of the first accumulator.
    accumulator: The symbols that stand for the accumulator so far.
    values: The symbols to accumulate, at clients or equal at all.
    calls: The calls that accumulate one client's values.
    updated: The symbols of the accumulator after one client.
    other: The symbols that stand for another accumulator.
    merge_calls: The calls that merge `other` into `accumulator`.
    merged: The symbols of both in one.
    outputs: The symbols that stand for the last accumulator.
    depth: The number of aggregations that must come before it.
  """

  zero: Tuple[Symbol, ...]
  accumulator: Tuple[Symbol, ...]
  values: Tuple[Symbol, ...]
  calls: Tuple[Call, ...]
  updated: Tuple[Symbol, ...]
  other: Tuple[Symbol, ...]
  merge_calls: Tuple[Call, ...]
  merged: Tuple[Symbol, ...]
  outputs: Tuple[Symbol, ...]
  depth: int


@attrs.frozen(eq=False)
class Dataflow:
  """A whole computation.

  Attributes:
    parameters: The symbols of the parameter's leaves, in order.
    calls: The calls, each after those that define its inputs.
    aggregations: The aggregations, each after those it needs.
    results: The symbols of the result's leaves, in order.
  """

  parameters: Tuple[Symbol, ...]
  calls: Tuple[Call, ...]
  aggregations: Tuple[Aggregation, ...]
  results: Tuple[Symbol, ...]


def find_free_symbols(
    calls: Iterable[Call],
    bound: Iterable[Symbol],
    results: Iterable[Symbol],
) -> Tuple[Symbol, ...]:
  """Returns the symbols that must be given to calls, each once.

  Args:
    calls: The calls, each after those that define its inputs.
    bound: Symbols that are defined otherwise.
    results: Symbols that are wanted besides the inputs of `calls`.
  """
  known = set(bound)
  free: Dict[Symbol, None] = {}  # A set that keeps its order.
  for call in calls:
    free.update((s, None) for s in call.inputs if s not in known)
    known.update(call.outputs)
  free.update((s, None) for s in results if s not in known)
  return tuple(free)
