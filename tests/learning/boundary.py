"""Reads from a computation what crosses between server and clients."""

from typing import List

import attrs
import tensorflow_federated as tff
from tensorflow_federated.python.core.impl.compiler import building_blocks
from tensorflow_federated.python.core.impl.compiler import tree_analysis

# What neither sends nor receives anything.
_LOCAL = {
    'federated_apply',
    'federated_eval_at_server',
    'federated_map',
    'federated_map_all_equal',
    'federated_value_at_clients',
    'federated_value_at_server',
    'federated_zip_at_clients',
    'federated_zip_at_server',
}


@attrs.define
class Crossing:
  """The types of what crosses.

  Attributes:
    up: Of each value that goes from the clients into an aggregate.
    down: Of each value that is broadcast.
  """

  up: List[tff.Type] = attrs.field(factory=list)
  down: List[tff.Type] = attrs.field(factory=list)


def find_crossing(computation: tff.framework.ConcreteComputation) -> Crossing:
  """Returns the types of all that crosses in a federated computation."""
  crossing = Crossing()

  def visit(block):
    if not isinstance(block, building_blocks.Intrinsic):
      return
    if block.uri == 'federated_broadcast':
      crossing.down.append(block.type_signature.parameter.member)
    elif block.uri == 'federated_sum':
      crossing.up.append(block.type_signature.parameter.member)
    elif block.uri == 'federated_aggregate':
      crossing.up.append(block.type_signature.parameter[0].member)
    elif block.uri not in _LOCAL:
      raise AssertionError(f'Does {block.uri} send anything?')

  tree_analysis.visit_postorder(computation.to_building_block(), visit)
  return crossing
