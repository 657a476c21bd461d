"""A TensorFlow graph of a TFF computation as a function of this process.

TFF serialises each `tff.tensorflow.computation` as a graph to be run by a
session: fetches decide what runs, an op initialises the variables first, and
every call has variables of its own. A function has none of these by itself.
"""

import itertools
from typing import Any, List, Sequence

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import graph_rewrites
from tff_hidenseek.runtimes import type_leaves


class TensorFlowLeaf:
  """Calls one imported graph, eagerly or while a function is traced.

  Attributes:
    input_specs: One `tf.TensorSpec` for each tensor of the parameter.
    output_specs: One `tf.TensorSpec` for each tensor of the result.
  """

  def __init__(self, proto: Any, type_signature: tff.FunctionType) -> None:
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
    graph_rewrites.make_function_names_unique(graph_def)
    graph_rewrites.pin_host_ops(graph_def)
    graph_rewrites.order_initialization(graph_def, leaf.initialize_op)
    destroys = graph_rewrites.make_variables_local(graph_def, outputs)
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
    if tf.executing_eagerly():
      outputs = self._function(*tensors)
    else:
      outputs = _add_call(self._function, tensors)
    outputs = list(outputs[: len(self.output_specs)])
    for output, spec in zip(outputs, self.output_specs):
      output.set_shape(spec.shape)  # The graph may know less than its type.
    return outputs


def _add_call(
    function: Any, tensors: Sequence[tf.Tensor]
) -> List[tf.Tensor]:
  """Adds a call of a function to the graph that is being traced.

  Unlike the function's own call this tells TensorFlow not to look inside for
  the outputs' shapes: on a deep network's loop it then fails in one trace of
  four (`Missing src context`), depending on where in memory the nodes are.

  Args:
    function: The concrete function.
    tensors: Its inputs.

  Returns:
    Its outputs, of unknown shape.
  """
  graph = tf.compat.v1.get_default_graph()
  function.add_to_graph(graph)
  attribute = tf.compat.v1.AttrValue
  is_stateful = function.function_def.signature.is_stateful
  types = {
      'Tin': [tensor.dtype for tensor in tensors],
      'Tout': [tensor.dtype for tensor in function.outputs],
  }
  attributes = {
      name: attribute(
          list=attribute.ListValue(type=[d.as_datatype_enum for d in dtypes])
      )
      for name, dtypes in types.items()
  }
  attributes['f'] = attribute(
      func=tf.compat.v1.NameAttrList(name=function.name)
  )
  attributes['_disable_call_shape_inference'] = attribute(b=True)
  return graph.create_op(
      'StatefulPartitionedCall' if is_stateful else 'PartitionedCall',
      tensors,
      types['Tout'],
      attrs=attributes,
  ).outputs


def _tensor_names(binding: Any) -> List[str]:
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
