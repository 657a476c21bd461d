"""A TensorFlow graph of a TFF computation as a function of this process.

TFF serialises each `tff.tensorflow.computation` as a graph to be run by a
session: fetches decide what runs, an op initialises the variables first, and
every call has variables of its own. A function has none of these by itself.
"""

import collections
import itertools
from typing import List, Optional, Sequence

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import type_leaves

# The name with which TensorFlow gives each execution of an op its own resource
# (ResourceHandle::ANONYMOUS_NAME).
_ANONYMOUS = b'cd2c89b7-88b7-44c8-ad83-06c2a9158347'

# Ops that TFF's own runtime keeps off GPUs (session_provider.cc): their dataset
# handles live in host memory.
_HOST_OP_PREFIXES = ('IteratorGetNext', 'MakeIterator', 'AnonymousIterator')

_unique_ids = itertools.count()


class TensorFlowLeaf:
  """Calls one imported graph, eagerly or while a function is traced.

  Attributes:
    input_specs: One `tf.TensorSpec` for each tensor of the parameter.
    output_specs: One `tf.TensorSpec` for each tensor of the result.
  """

  def __init__(self, proto, type_signature: tff.FunctionType):
    """Imports the graph.

    Args:
      proto: The `Computation` protocol buffer that holds it.
      type_signature: Its type.

    Raises:
      NotImplementedError: If `proto` holds no TensorFlow.
    """
    if proto.WhichOneof('computation') != 'tensorflow':
      raise NotImplementedError(
          'A leaf computation must be `tensorflow`, found'
          f" `{proto.WhichOneof('computation')}`."
      )
    self.input_specs = tuple(type_leaves.tensor_specs(type_signature.parameter))
    self.output_specs = tuple(type_leaves.tensor_specs(type_signature.result))
    leaf = proto.tensorflow
    graph_def = tf.compat.v1.GraphDef()
    leaf.graph_def.Unpack(graph_def)
    inputs = (
        _tensor_names(leaf.parameter) if type_signature.parameter else []
    )
    outputs = _tensor_names(leaf.result)
    make_function_names_unique(graph_def)
    pin_host_ops(graph_def)
    order_initialization(graph_def, leaf.initialize_op)
    destroys = make_variables_local(graph_def, outputs)
    wrapped = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph_def, name=''), []
    )
    find = wrapped.graph.as_graph_element
    self._has_token = bool(leaf.session_token_tensor_name)
    if self._has_token:
      inputs.append(leaf.session_token_tensor_name)
    self._function = wrapped.prune(
        feeds=[find(name) for name in inputs],
        fetches=[find(name) for name in outputs + destroys],
    )

  def __call__(self, tensors: Sequence[tf.Tensor]) -> List[tf.Tensor]:
    """Returns the tensors of the result for the tensors of the parameter."""
    tensors = list(tensors)
    if self._has_token:
      tensors.append(tf.constant(''))
    outputs = list(self._function(*tensors)[: len(self.output_specs)])
    for output, spec in zip(outputs, self.output_specs):
      output.set_shape(spec.shape)  # The graph may know less than its type.
    return outputs


def _tensor_names(binding) -> List[str]:
  """Returns the names of a binding's tensors, in the order of its type."""
  kind = binding.WhichOneof('binding')
  if kind == 'tensor':
    return [binding.tensor.tensor_name]
  if kind == 'sequence':
    return [binding.sequence.variant_tensor_name]
  if kind == 'struct':
    return list(
        itertools.chain.from_iterable(
            _tensor_names(element) for element in binding.struct.element
        )
    )
  raise NotImplementedError(f'A tensor binding of kind `{kind}`.')


def _node_name(tensor_or_input: str) -> str:
  return tensor_or_input.lstrip('^').split(':')[0]


def make_function_names_unique(graph_def: tf.compat.v1.GraphDef):
  """Renames, in place, the functions of a graph's library.

  Function names are global in a process, and two computations often hold
  different functions of one name.

  Args:
    graph_def: The graph.
  """
  suffix = f'_leaf{next(_unique_ids)}'
  names = {function.signature.name for function in graph_def.library.function}

  def rename_reference(reference):
    if reference.name in names:
      reference.name += suffix
    rename_in_attributes(reference.attr)

  def rename_in_attributes(attributes):
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

  def rename_in_nodes(nodes):
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


def pin_host_ops(graph_def: tf.compat.v1.GraphDef):
  """Places, in place, the ops on dataset iterators on the CPU."""
  nodes = itertools.chain(
      graph_def.node, *(f.node_def for f in graph_def.library.function)
  )
  for node in nodes:
    if node.op.startswith(_HOST_OP_PREFIXES):
      node.device = '/device:CPU:0'


def order_initialization(
    graph_def: tf.compat.v1.GraphDef, initialize_op: Optional[str]
):
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


def _reachable(start, neighbours):
  """Returns the set of names reached from `start` by `neighbours`."""
  found = set()
  stack = list(start)
  while stack:
    name = stack.pop()
    if name not in found:
      found.add(name)
      stack.extend(neighbours(name))
  return found


def _nodes_in_frames(graph_def, consumers) -> set:
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
