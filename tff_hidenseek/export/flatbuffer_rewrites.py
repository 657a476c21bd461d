"""Rewrites of a TFLite file that its converter does not offer.

They change the file's tables with TensorFlow's own `flatbuffer_utils`.
"""

from typing import Callable, List, Optional

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

_WEIGHT_INPUT = 1
_OPS_WITH_WEIGHTS = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)
_FLOAT32 = schema.TensorType.FLOAT32
_INT8 = schema.TensorType.INT8
_INT4 = schema.TensorType.INT4
# DEQUANTIZE reads INT8 since its second version.
_DEQUANTIZE_VERSION = 2
_INT8_MAX = 127
_INT4_MAX = 7


def store_signs_as_int8(model: bytes) -> bytes:
  """Stores weights of one magnitude as INT8 signs and a scale, without loss.

  A DEQUANTIZE before the operation gives the same float32 weights back.

  Args:
    model: A float32 TFLite file.

  Returns:
    The rewritten file; layers with several magnitudes stay as they are.
  """
  return _rewrite(model, _replace_by_signs)


def store_weights_as_int4(model: bytes) -> bytes:
  """Stores INT8 weights of one magnitude in four bits.

  Args:
    model: A TFLite file with INT8 weights and activations.

  Returns:
    The rewritten file; layers with several magnitudes stay as they are.
  """
  return _rewrite(model, _replace_by_int4)


def share_equal_buffers(model: bytes) -> bytes:
  """Stores constants once that several signatures of a TFLite file use."""
  return _rewrite(model, lambda tables, subgraph, operator: [])


def _rewrite(model: bytes, replace: Callable) -> bytes:  # pylint: disable=g-bare-generic
  tables = flatbuffer_utils.convert_bytearray_to_object(bytearray(model))
  for subgraph in tables.subgraphs:
    operators = []
    for operator in subgraph.operators:
      code = tables.operatorCodes[operator.opcodeIndex].builtinCode
      if code in _OPS_WITH_WEIGHTS:
        operators += replace(tables, subgraph, operator)
      operators.append(operator)
    subgraph.operators = operators
  _drop_unused_buffers(tables)
  return bytes(flatbuffer_utils.convert_object_to_bytearray(tables))


def _replace_by_signs(tables, subgraph, operator) -> List[schema.OperatorT]:
  """Makes the weights INT8; returns the operation to put before."""
  index = operator.inputs[_WEIGHT_INPUT]
  tensor = subgraph.tensors[index]
  values = _constant(tables, tensor, _FLOAT32, np.float32)
  scale = _only_magnitude(values)
  if scale is None:
    return []
  signs = schema.TensorT()
  signs.name = tensor.name + b'_signs'
  signs.shape = tensor.shape
  signs.type = _INT8
  signs.buffer = _add_buffer(tables, np.sign(values).astype(np.int8))
  signs.quantization = schema.QuantizationParametersT()
  signs.quantization.scale = np.array([scale], np.float32)
  signs.quantization.zeroPoint = np.array([0], np.int64)
  subgraph.tensors.append(signs)
  tensor.buffer = 0  # The empty buffer: a tensor that is computed.
  dequantize = schema.OperatorT()
  dequantize.opcodeIndex = _dequantize_code(tables)
  dequantize.inputs = np.array([len(subgraph.tensors) - 1], np.int32)
  dequantize.outputs = np.array([index], np.int32)
  dequantize.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
  dequantize.builtinOptions = schema.DequantizeOptionsT()
  return [dequantize]


def _replace_by_int4(tables, subgraph, operator) -> List[schema.OperatorT]:
  """Makes the weights INT4; no operation is added."""
  tensor = subgraph.tensors[operator.inputs[_WEIGHT_INPUT]]
  values = _constant(tables, tensor, _INT8, np.int8)
  if _only_magnitude(values) != _INT8_MAX:
    return []
  nibbles = (np.sign(values) * _INT4_MAX).astype(np.int8).view(np.uint8) & 15
  nibbles = np.append(nibbles, np.zeros(nibbles.size % 2, np.uint8))
  tensor.buffer = _add_buffer(tables, nibbles[::2] | nibbles[1::2] << 4)
  tensor.type = _INT4
  tensor.quantization.scale = np.asarray(
      tensor.quantization.scale * (_INT8_MAX / _INT4_MAX), np.float32
  )
  return []


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
