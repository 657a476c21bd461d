"""TFF's building blocks turned into a dataflow.

TFF compiles a computation to building blocks whose leaves are TensorFlow. They
are walked once, with symbols in the place of tensors.
"""

from typing import (
    Any, Callable, Dict, Iterator, List, Mapping, Sequence, Tuple)

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import tensorflow_leaf
from tff_hidenseek.runtimes import type_leaves


def build_dataflow(
    block: tff.framework.ComputationBuildingBlock,
) -> dataflow.Dataflow:
  """Walks a compiled computation.

  Args:
    block: The building block of a computation in TFF's native form.

  Returns:
    Its dataflow.

  Raises:
    NotImplementedError: If it needs an intrinsic that is not supported here.
  """
  walk = _Walk()
  parameter = None
  if block.type_signature.parameter is not None:
    parameter = _new_parameter(block.type_signature.parameter)
  result = walk.evaluate(block, {})(parameter)
  return dataflow.Dataflow(
      tuple(_flatten(parameter)),
      tuple(walk.calls),
      tuple(walk.aggregations),
      tuple(_flatten(result)),
  )


# A value of the walk is a symbol, a `tff.structure.Struct` of values, or a
# function from value to value; None stands for no parameter.
_Value = Any
_Function = Callable[[_Value], _Value]
_Scope = Mapping[str, _Value]


def _flatten(value: _Value) -> List[dataflow.Symbol]:
  """Returns the symbols of a value, in order."""
  if value is None:
    return []
  if isinstance(value, dataflow.Symbol):
    return [value]
  if not isinstance(value, tff.structure.Struct):
    raise NotImplementedError('A function as a value of a leaf.')
  return [s for element in value for s in _flatten(element)]


def _pack(type_spec: tff.Type, symbols: Iterator[dataflow.Symbol]) -> _Value:
  """Returns the value of an unplaced type made of an iterator of symbols."""
  if isinstance(type_spec, tff.StructType):
    return tff.structure.Struct(
        [
            (name, _pack(element, symbols))
            for name, element in tff.structure.iter_elements(type_spec)
        ]
    )
  return next(symbols)


def _new_symbols(
    type_spec: tff.Type, at_clients: bool, depth: int
) -> Tuple[dataflow.Symbol, ...]:
  """Returns new symbols for the leaves of an unplaced type."""
  return tuple(
      dataflow.Symbol(leaf, at_clients, depth)
      for _, leaf in type_leaves.iterate_leaves(type_spec)
  )


def _new_parameter(type_spec: tff.Type) -> _Value:
  """Returns a value of new symbols for a parameter."""
  if isinstance(type_spec, tff.FederatedType):
    at_clients = type_spec.placement is tff.CLIENTS and not type_spec.all_equal
    symbols = _new_symbols(type_spec.member, at_clients, 0)
    return _pack(type_spec.member, iter(symbols))
  if isinstance(type_spec, tff.StructType):
    return tff.structure.Struct(
        [
            (name, _new_parameter(element))
            for name, element in tff.structure.iter_elements(type_spec)
        ]
    )
  return _pack(type_spec, iter(_new_symbols(type_spec, False, 0)))


class _Walk:
  """Evaluates building blocks and collects the calls.

  Attributes:
    calls: The calls so far.
    aggregations: The aggregations so far.
  """

  def __init__(self) -> None:
    self.calls: List[dataflow.Call] = []
    self.aggregations: List[dataflow.Aggregation] = []
    self._at_clients = False
    self._leaves: Dict[bytes, tensorflow_leaf.TensorFlowLeaf] = {}

  def evaluate(
      self, block: tff.framework.ComputationBuildingBlock, scope: _Scope
  ) -> _Value:
    """Returns the value of `block`, with the names in `scope` bound."""
    framework = tff.framework
    if isinstance(block, framework.Reference):
      return scope[block.name]
    if isinstance(block, framework.Selection):
      source = self.evaluate(block.source, scope)
      if block.index is not None:
        return source[block.index]
      return getattr(source, block.name)
    if isinstance(block, framework.Struct):
      return tff.structure.Struct([
          (name, self.evaluate(element, scope))
          for name, element in tff.structure.iter_elements(block)
      ])
    if isinstance(block, framework.Block):
      inner = dict(scope)
      for name, value in block.locals:
        inner[name] = self.evaluate(value, inner)
      return self.evaluate(block.result, inner)
    if isinstance(block, framework.Call):
      function = self.evaluate(block.function, scope)
      if block.argument is None:
        return function(None)
      return function(self.evaluate(block.argument, scope))
    if isinstance(block, framework.Lambda):
      return lambda argument: self.evaluate(
          block.result, {**scope, block.parameter_name: argument}
      )
    if isinstance(block, framework.CompiledComputation):
      return lambda argument: self._call_leaf(block, argument)
    if isinstance(block, framework.Literal):
      return self._add_literal(block)
    if isinstance(block, framework.Intrinsic):
      return self._find_intrinsic(block)
    raise NotImplementedError(
        f'The in-process runtime does not support `{type(block).__name__}`'
        ' building blocks.'
    )

  def _call_leaf(
      self, block: tff.framework.CompiledComputation, argument: _Value
  ) -> _Value:
    key = block.proto.SerializeToString(deterministic=True)
    if key not in self._leaves:
      self._leaves[key] = tensorflow_leaf.TensorFlowLeaf(
          block.proto, block.type_signature
      )
    return self._add_call(
        self._leaves[key], _flatten(argument), block.type_signature.result
    )

  def _add_literal(self, block: tff.framework.Literal) -> _Value:
    value, spec = block.value, type_leaves.tensor_spec(block.type_signature)
    return self._add_call(
        lambda _: [tf.constant(value, spec.dtype, spec.shape)],
        [],
        block.type_signature,
    )

  def _add_call(
      self,
      function: Callable[[List[tf.Tensor]], List[tf.Tensor]],
      inputs: Sequence[dataflow.Symbol],
      result_type: tff.Type,
  ) -> _Value:
    depth = max((symbol.depth for symbol in inputs), default=0)
    outputs = _new_symbols(result_type, self._at_clients, depth)
    self.calls.append(dataflow.Call(function, tuple(inputs), outputs))
    return _pack(result_type, iter(outputs))

  def _find_intrinsic(self, block: tff.framework.Intrinsic) -> _Function:
    framework = tff.framework
    uri = block.uri
    if uri == framework.FEDERATED_AGGREGATE.uri:
      return lambda argument: self._aggregate(block, argument)
    if uri == framework.FEDERATED_MAP.uri:
      return lambda pair: self._apply(pair[0], pair[1], at_clients=True)
    if uri == framework.FEDERATED_EVAL_AT_CLIENTS.uri:
      return lambda function: self._apply(function, None, at_clients=True)
    if uri in (
        framework.FEDERATED_APPLY.uri, framework.FEDERATED_MAP_ALL_EQUAL.uri
    ):
      return lambda pair: self._apply(pair[0], pair[1], at_clients=False)
    if uri == framework.FEDERATED_EVAL_AT_SERVER.uri:
      return lambda function: self._apply(function, None, at_clients=False)
    if uri in (
        framework.FEDERATED_BROADCAST.uri,
        framework.FEDERATED_VALUE_AT_CLIENTS.uri,
        framework.FEDERATED_VALUE_AT_SERVER.uri,
        framework.FEDERATED_ZIP_AT_CLIENTS.uri,
        framework.FEDERATED_ZIP_AT_SERVER.uri,
    ):
      return lambda argument: argument
    raise NotImplementedError(
        f'The in-process runtime does not support the intrinsic `{uri}`;'
        " use TFF's worker (--runtime=worker)."
    )

  def _apply(
      self, function: _Function, argument: _Value, at_clients: bool
  ) -> _Value:
    """Applies a function, its calls placed at the clients or not."""
    outside, self._at_clients = self._at_clients, at_clients
    try:
      return function(argument)
    finally:
      self._at_clients = outside

  def _aggregate(
      self, block: tff.framework.Intrinsic, argument: _Value
  ) -> _Value:
    values, zero, accumulate, merge, report = argument
    zero_type = block.type_signature.parameter[2].parameter[0]
    accumulator = _new_symbols(zero_type, True, 0)
    other = _new_symbols(zero_type, True, 0)
    packed = _pack(zero_type, iter(accumulator))
    calls, updated = self._collect(accumulate, packed, values)
    merge_calls, merged = self._collect(
        merge, packed, _pack(zero_type, iter(other))
    )
    zero = tuple(_flatten(zero))
    values = dataflow.find_free_symbols(calls, accumulator, updated)
    depth = max((symbol.depth for symbol in values + zero), default=0)
    outputs = _new_symbols(zero_type, False, depth + 1)
    self.aggregations.append(
        dataflow.Aggregation(
            zero, accumulator, values, calls, updated, other, merge_calls,
            merged, outputs, depth,
        )
    )
    return self._apply(
        report, _pack(zero_type, iter(outputs)), at_clients=False
    )

  def _collect(
      self, function: _Function, first: _Value, second: _Value
  ) -> Tuple[Tuple[dataflow.Call, ...], Tuple[dataflow.Symbol, ...]]:
    """Returns the calls and the result's symbols of a function of two."""
    calls_outside, self.calls = self.calls, []
    result = self._apply(
        function, tff.structure.Struct.unnamed(first, second), at_clients=True
    )
    calls, self.calls = tuple(self.calls), calls_outside
    return calls, tuple(_flatten(result))


def replace_secure_sums(
    computation: tff.framework.ConcreteComputation,
) -> tff.framework.ConcreteComputation:
  """Replaces secure sums by plain ones: a simulation has nobody to hide from.

  Args:
    computation: The computation.

  Returns:
    The same computation with every `tff.federated_secure_sum*` computed in the
    clear, range checks and clipping included.
  """
  return tff.backends.test.replace_secure_intrinsics_with_bodies(computation)


def compile_to_native(
    computation: tff.framework.ConcreteComputation,
) -> tff.framework.ConcreteComputation:
  """Compiles a computation to calls of intrinsics and TensorFlow graphs.

  Args:
    computation: The computation.

  Returns:
    A computation in TFF's native form, secure sums computed in the clear.
  """
  return tff.backends.native.desugar_and_transform_to_native(
      replace_secure_sums(computation)
  )
