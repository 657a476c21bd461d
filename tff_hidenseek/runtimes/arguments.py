"""The argument of a computation as tensors of its dataflow's symbols."""

from typing import (
    Callable, Dict, Iterator, List, Optional, Sequence, Tuple)

import attrs
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import dataflow
from tff_hidenseek.runtimes import type_leaves
from tff_hidenseek.runtimes import values

_Tensors = Dict[dataflow.Symbol, tf.Tensor]


@attrs.define(eq=False)
class Arguments:
  """What one call of a computation was given.

  Attributes:
    server: The tensors that are at the server, or equal at all clients.
    num_clients: The number of clients; None if nothing tells it.
  """

  server: _Tensors = attrs.field(factory=dict)
  num_clients: Optional[int] = None
  _lists: List[Tuple[Sequence[object], '_Member']] = attrs.field(factory=list)

  def convert_client(self, index: int) -> _Tensors:
    """Returns the tensors of the client with that index."""
    tensors: _Tensors = {}
    for members, member in self._lists:
      try:
        converted = member.convert(members[index])
      except TypeError as error:
        raise TypeError(f'Client {index}: {error}') from error
      tensors.update(zip(member.symbols, converted))
    return tensors

  def add_clients(self, members: Sequence[object], member: '_Member') -> None:
    """Adds a list with one value for each client."""
    if self.num_clients not in (None, len(members)):
      raise ValueError(
          'Values at clients must be for equally many clients, found'
          f' {self.num_clients} and {len(members)}.'
      )
    self.num_clients = len(members)
    self._lists.append((members, member))


@attrs.frozen(eq=False)
class _Member:
  """How one client's value becomes tensors."""

  convert: values.Converter
  symbols: Tuple[dataflow.Symbol, ...]


# Adds a value to the arguments.
_Bind = Callable[[object, Arguments], None]


def build_binder(
    type_spec: Optional[tff.Type], symbols: Sequence[dataflow.Symbol]
) -> Callable[[object], Arguments]:
  """Builds the function that takes a computation's argument.

  Args:
    type_spec: The type of the computation's parameter, None if it has none.
    symbols: The symbols of its leaves, in order.

  Returns:
    A function from a Python value to `Arguments`. It raises `TypeError` on a
    value of another type; for a client's, only when that client is converted.
  """
  if type_spec is None:
    return lambda _: Arguments()
  bind = _build(type_spec, 'argument', iter(symbols))

  def bind_argument(value: object) -> Arguments:
    arguments = Arguments()
    bind(value, arguments)
    return arguments

  return bind_argument


def _build(
    type_spec: tff.Type, name: str, symbols: Iterator[dataflow.Symbol]
) -> _Bind:
  """Builds a function that adds a value to `Arguments`."""
  if isinstance(type_spec, tff.StructType) and _contains_placed(type_spec):
    return _build_struct(type_spec, name, symbols)
  is_federated = isinstance(type_spec, tff.FederatedType)
  member_type = type_spec.member if is_federated else type_spec
  convert = values.build_converter(member_type, name)
  member = _Member(convert, type_leaves.take(member_type, symbols))
  if (
      is_federated
      and type_spec.placement is tff.CLIENTS
      and not type_spec.all_equal
  ):

    def bind_clients(value: object, arguments: Arguments) -> None:
      if not isinstance(value, (list, tuple)):
        raise TypeError(
            f'`{name}` must be a list with one value for each client, found'
            f' {type(value).__name__}.'
        )
      arguments.add_clients(value, member)

    return bind_clients
  return lambda value, arguments: arguments.server.update(
      zip(member.symbols, member.convert(value))
  )


def _build_struct(
    type_spec: tff.StructType, name: str, symbols: Iterator[dataflow.Symbol]
) -> _Bind:
  elements = tff.structure.to_elements(type_spec)
  binds = [
      _build(element, f'argument {index}' if key is None else key, symbols)
      for index, (key, element) in enumerate(elements)
  ]

  def bind(value: object, arguments: Arguments) -> None:
    items = values.struct_items(value, type_spec, name)
    for bind_item, item in zip(binds, items):
      bind_item(item, arguments)

  return bind


def _contains_placed(type_spec: tff.Type) -> bool:
  if isinstance(type_spec, tff.StructType):
    return any(
        _contains_placed(element)
        for _, element in tff.structure.iter_elements(type_spec)
    )
  return isinstance(type_spec, tff.FederatedType)
