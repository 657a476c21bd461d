"""Rewrites that let a session's graph run as a function of this process."""

import collections
import itertools
from typing import (
    Any, Callable, Iterable, List, Mapping, Optional, Sequence, Set)

import tensorflow as tf

# The name with which TensorFlow gives each execution of an op its own resource
# (ResourceHandle::ANONYMOUS_NAME).
_ANONYMOUS = b'cd2c89b7-88b7-44c8-ad83-06c2a9158347'

# Ops that TFF's own runtime keeps off GPUs (session_provider.cc): their dataset
# handles live in host memory.
_HOST_OP_PREFIXES = ('IteratorGetNext', 'MakeIterator', 'AnonymousIterator')

_unique_ids = itertools.count()


def _node_name(tensor_or_input: str) -> str:
  return tensor_or_input.lstrip('^').split(':')[0]


def make_function_names_unique(graph_def: tf.compat.v1.GraphDef) -> None:
  """Renames, in place, the functions of a graph's library.

  Function names are global in a process, and two computations often hold
  different functions of one name.

  Args:
    graph_def: The graph.
  """
  suffix = f'_leaf{next(_unique_ids)}'
  names = {function.signature.name for function in graph_def.library.function}

  def rename_reference(reference: Any) -> None:
    if reference.name in names:
      reference.name += suffix
    rename_in_attributes(reference.attr)

  def rename_in_attributes(attributes: Any) -> None:
    for key, value in attributes.items():
      kind = value.WhichOneof('value')
      if kind == 'func':
        rename_reference(value.func)
      elif kind == 'list':
        for reference in value.list.func:
          rename_reference(reference)
      elif key in ('forward_function_name', 'backward_function_name'):
        # A function and its gradient know each other by plain strings.
        if value.s.decode() in names:
          value.s += suffix.encode()

  def rename_in_nodes(nodes: Any) -> None:
    for node in nodes:
      if node.op in names:
        node.op += suffix
      rename_in_attributes(node.attr)

  rename_in_nodes(graph_def.node)
  for function in graph_def.library.function:
    function.signature.name += suffix
    rename_in_attributes(function.attr)
    rename_in_nodes(function.node_def)
  for gradient in graph_def.library.gradient:
    if gradient.function_name in names:
      gradient.function_name += suffix
    if gradient.gradient_func in names:
      gradient.gradient_func += suffix


def pin_host_ops(graph_def: tf.compat.v1.GraphDef) -> None:
  """Places, in place, the ops on dataset iterators on the CPU."""
  nodes = itertools.chain(
      graph_def.node, *(f.node_def for f in graph_def.library.function)
  )
  for node in nodes:
    if node.op.startswith(_HOST_OP_PREFIXES):
      node.device = '/device:CPU:0'


def order_initialization(
    graph_def: tf.compat.v1.GraphDef, initialize_op: Optional[str]
) -> None:
  """Makes, in place, every node wait for the op that initialises variables.

  Nodes inside a (version 1) while frame can not: only `Enter` nodes may take an
  input from outside the frame.

  Args:
    graph_def: The graph.
    initialize_op: The op's name; empty or None if there is none.
  """
  if not initialize_op:
    return
  initialize_op = _node_name(initialize_op)
  nodes = {node.name: node for node in graph_def.node}
  consumers = collections.defaultdict(list)
  for node in graph_def.node:
    for name in node.input:
      consumers[_node_name(name)].append(node.name)

  ancestors = _reachable(
      [initialize_op],
      lambda name: [_node_name(i) for i in nodes[name].input],
  )
  in_frames = _nodes_in_frames(graph_def, consumers)
  for node in graph_def.node:
    if node.name in ancestors or node.name in in_frames:
      continue
    if node.op not in ('Placeholder', 'Const', 'VarHandleOp', 'NoOp'):
      node.input.append(f'^{initialize_op}')


def _reachable(
    start: Iterable[str], neighbours: Callable[[str], Iterable[str]]
) -> Set[str]:
  """Returns the set of names reached from `start` by `neighbours`."""
  found = set()
  stack = list(start)
  while stack:
    name = stack.pop()
    if name not in found:
      found.add(name)
      stack.extend(neighbours(name))
  return found


def _nodes_in_frames(
    graph_def: tf.compat.v1.GraphDef, consumers: Mapping[str, Sequence[str]]
) -> Set[str]:
  """Returns the names of nodes that may take no input from outside loops.

  Inputs of a node are all in one frame, so its depth of frames follows from any
  of them: `Enter` goes one deeper, `Exit` one up, which for a loop in a loop is
  still inside the outer one.

  Args:
    graph_def: The graph.
    consumers: For each node's name the names of the nodes that take its output.
  """
  ops = {node.name: node.op for node in graph_def.node}
  depths = {node.name: 0 for node in graph_def.node if not node.input}
  pending = list(depths)
  while pending:
    name = pending.pop()
    depth = depths[name]
    if ops[name] in ('Enter', 'RefEnter'):
      depth += 1
    elif ops[name] in ('Exit', 'RefExit'):
      depth -= 1
    for consumer in consumers[name]:
      if consumer not in depths:
        depths[consumer] = depth
        pending.append(consumer)
  exits = {name for name, op in ops.items() if op in ('Exit', 'RefExit')}
  return exits | {name for name, depth in depths.items() if depth > 0}


def make_variables_local(
    graph_def: tf.compat.v1.GraphDef, outputs: Sequence[str]
) -> List[str]:
  """Gives, in place, each execution variables of its own.

  Args:
    graph_def: The graph.
    outputs: The names of the tensors to fetch.

  Returns:
    The names of the ops that destroy the variables, to be fetched besides; they
    run after `outputs`.
  """
  after_outputs = [f'^{name}' for name in sorted(set(map(_node_name, outputs)))]
  variables = [node for node in graph_def.node if node.op == 'VarHandleOp']
  destroys = []
  for variable in variables:
    variable.attr['shared_name'].s = _ANONYMOUS
    variable.attr['container'].s = b''
    destroy = graph_def.node.add()
    destroy.name = f'{variable.name}/destroy'
    destroy.op = 'DestroyResourceOp'
    destroy.input.append(variable.name)
    destroy.input.extend(after_outputs)
    destroy.attr['ignore_lookup_error'].b = True
    destroys.append(destroy.name)
  return destroys
