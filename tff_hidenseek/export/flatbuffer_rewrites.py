"""Rewrites of a TFLite file that its converter does not offer.

They change the file's tables with TensorFlow's own `flatbuffer_utils`.
"""

from typing import Callable, List, Optional

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

WEIGHT_INPUT = 1
OPS_WITH_WEIGHTS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
_FLOAT32 = schema.TensorType.FLOAT32
_INT8 = schema.TensorType.INT8
_INT2 = schema.TensorType.INT2
# DEQUANTIZE reads INT8 since its second version.
_DEQUANTIZE_VERSION = 2
# FULLY_CONNECTED of float32 activations and integer weights.
_HYBRID_FULLY_CONNECTED_VERSION = 3


def store_signs_as_int8(model: bytes) -> bytes:
  """Stores weights of one magnitude as INT8 signs and a scale, without loss.

  A DEQUANTIZE before the operation gives the same float32 weights back.

  Args:
    model: A float32 TFLite file.

  Returns:
    The rewritten file; layers with several magnitudes stay as they are.
  """
  return _rewrite(model, _replace_by_signs)


def store_dense_signs_as_int2(
    model: bytes, has_integer_activations: bool
) -> bytes:
  """Stores signs of dense layers in two bits, of convolutions in eight.

  LiteRT 2.3 answers nonsense for convolutions with weights of two bits.

  Args:
    model: A float32 TFLite file.
    has_integer_activations: Whether dense layers take the signs as they are,
      and round their activations to eight bits, which is fast; else a
      DEQUANTIZE before them gives the same float32 weights back, which is
      exact.

  Returns:
    The rewritten file; layers with several magnitudes stay as they are.
  """

  def replace(tables, subgraph, operator):
    code = tables.operatorCodes[operator.opcodeIndex].builtinCode
    if code != schema.BuiltinOperator.FULLY_CONNECTED:
      return _replace_by_signs(tables, subgraph, operator)
    if has_integer_activations:
      return _use_int2_signs(tables, subgraph, operator)
    return _replace_by_signs(tables, subgraph, operator, _INT2)

  return _rewrite(model, replace)


def share_equal_buffers(model: bytes) -> bytes:
  """Stores constants once that several signatures of a TFLite file use."""
  return _rewrite(model, lambda tables, subgraph, operator: [])


def _rewrite(model: bytes, replace: Callable) -> bytes:  # pylint: disable=g-bare-generic
  tables = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
  for subgraph in tables.subgraphs:
    operators = []
    for operator in subgraph.operators:
      code = tables.operatorCodes[operator.opcodeIndex].builtinCode
      if code in OPS_WITH_WEIGHTS:
        operators += replace(tables, subgraph, operator)
      operators.append(operator)
    subgraph.operators = operators
  _drop_unused_buffers(tables)
  return bytes(flatbuffer_utils.convert_object_to_bytearray(tables))


def _replace_by_signs(
    tables, subgraph, operator, sign_type=_INT8
) -> List[schema.OperatorT]:
  """Makes the weights integers; returns the operation to put before."""
  index = operator.inputs[WEIGHT_INPUT]
  signs = _add_signs(tables, subgraph, index, sign_type, num_scales=1)
  if signs is None:
    return []
  dequantize = schema.OperatorT()
  dequantize.opcodeIndex = _dequantize_code(tables)
  dequantize.inputs = np.array([signs], np.int32)
  dequantize.outputs = np.array([index], np.int32)
  dequantize.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
  dequantize.builtinOptions = schema.DequantizeOptionsT()
  return [dequantize]


def _use_int2_signs(tables, subgraph, operator) -> List[schema.OperatorT]:
  """Makes the weights INT2, a scale each row; no operation is added."""
  index = operator.inputs[WEIGHT_INPUT]
  num_rows = int(subgraph.tensors[index].shape[0])
  signs = _add_signs(tables, subgraph, index, _INT2, num_rows)
  if signs is not None:
    operator.inputs[WEIGHT_INPUT] = signs
    code = tables.operatorCodes[operator.opcodeIndex]
    code.version = max(code.version, _HYBRID_FULLY_CONNECTED_VERSION)
  return []


def _add_signs(
    tables, subgraph, index, sign_type, num_scales
) -> Optional[int]:
  """Adds a constant with the signs of another, which then holds no data.

  Args:
    tables: The file.
    subgraph: That of the tensors.
    index: The tensor with the float32 weights.
    sign_type: INT8 or INT2.
    num_scales: How often the magnitude is written: once, or for each row.

  Returns:
    The index of the new tensor; `None`, and nothing is changed, if the weights
    are no constant of one magnitude.
  """
  tensor = subgraph.tensors[index]
  values = _constant(tables, tensor, _FLOAT32, np.float32)
  scale = _only_magnitude(values)
  if scale is None:
    return None
  signs = schema.TensorT()
  signs.name = tensor.name + b'_signs'
  signs.shape = tensor.shape
  signs.type = sign_type
  integers = np.sign(values).astype(np.int8)
  signs.buffer = _add_buffer(
      tables, _pack_int2(integers) if sign_type == _INT2 else integers
  )
  signs.quantization = schema.QuantizationParametersT()
  signs.quantization.scale = np.full([num_scales], scale, np.float32)
  signs.quantization.zeroPoint = np.zeros([num_scales], np.int64)
  subgraph.tensors.append(signs)
  tensor.buffer = 0  # The empty buffer: a tensor that is computed, or unused.
  return len(subgraph.tensors) - 1


def _pack_int2(values: np.ndarray) -> np.ndarray:
  """Packs int8 values in [-2, 1] four to a byte, the lowest place first."""
  digits = np.append(values, np.zeros(-values.size % 4, np.int8))
  digits = digits.view(np.uint8).reshape([-1, 4]) & 3
  return np.bitwise_or.reduce(digits << [0, 2, 4, 6], axis=1).astype(np.uint8)


def _constant(tables, tensor, tensor_type, dtype) -> Optional[np.ndarray]:
  """Returns the values of a constant of this type, else `None`."""
  data = tables.buffers[tensor.buffer].data
  if tensor.type != tensor_type or data is None:
    return None
  return np.frombuffer(bytes(data), dtype)


def _only_magnitude(values: Optional[np.ndarray]) -> Optional[float]:
  """Returns the magnitude that all values have which are not zero."""
  if values is None:
    return None
  magnitudes = np.unique(np.abs(values[values != 0]))
  return magnitudes[0] if magnitudes.size == 1 else None


def _add_buffer(tables, values: np.ndarray) -> int:
  buffer = schema.BufferT()
  buffer.data = np.frombuffer(values.tobytes(), np.uint8)
  tables.buffers.append(buffer)
  return len(tables.buffers) - 1


def _dequantize_code(tables) -> int:
  """Returns the index of DEQUANTIZE among the operations, added if missing."""
  builtin = schema.BuiltinOperator.DEQUANTIZE
  for index, code in enumerate(tables.operatorCodes):
    if code.builtinCode == builtin and code.version >= _DEQUANTIZE_VERSION:
      return index
  code = schema.OperatorCodeT()
  code.builtinCode = code.deprecatedBuiltinCode = builtin
  code.version = _DEQUANTIZE_VERSION
  tables.operatorCodes.append(code)
  return len(tables.operatorCodes) - 1


def _drop_unused_buffers(tables) -> None:
  """Empties buffers that nothing refers to any more, and shares equal ones."""
  used = {0}
  first_with = {}
  for subgraph in tables.subgraphs:
    for tensor in subgraph.tensors:
      data = tables.buffers[tensor.buffer].data
      if data is not None:
        tensor.buffer = first_with.setdefault(bytes(data), tensor.buffer)
      used.add(tensor.buffer)
  used.update(metadata.buffer for metadata in tables.metadata or [])
  for index, buffer in enumerate(tables.buffers):
    if index not in used:
      buffer.data = None
