"""Loops and conditions that stay one op each when a computation is compiled.

TensorFlow takes a loop apart into many small ops, so that a step may begin
before the one before has ended. A client's steps depend on each other, and its
ops are small: on a CPU what they cost beside their work falls by a third to a
half if each loop is an op that calls functions.
"""

import itertools
from typing import Any

import tensorflow as tf
import tensorflow_federated as tff

_ATTRIBUTE = '_lower_using_switch_merge'


def keep_loops_whole(
    computation: tff.framework.ConcreteComputation,
) -> tff.framework.ConcreteComputation:
  """Returns the same computation whose loops TensorFlow does not take apart.

  Args:
    computation: The computation, before TFF optimises its graphs.
  """
  proto = tff.framework.serialize_computation(computation)
  _visit(proto)
  return tff.framework.deserialize_computation(proto)


def _visit(message: Any) -> None:
  """Changes, in place, every graph in a protocol buffer."""
  for field, value in message.ListFields():
    if field.message_type is None:
      continue
    if field.name == 'graph_def':
      graph_def = tf.compat.v1.GraphDef()
      if value.Unpack(graph_def):
        _keep_whole(graph_def)
        value.Pack(graph_def)
      continue
    for part in value if field.is_repeated else [value]:
      _visit(part)


def _keep_whole(graph_def: tf.compat.v1.GraphDef) -> None:
  functions = graph_def.library.function
  for node in itertools.chain(graph_def.node, *(f.node_def for f in functions)):
    if _ATTRIBUTE in node.attr:
      node.attr[_ATTRIBUTE].b = False
