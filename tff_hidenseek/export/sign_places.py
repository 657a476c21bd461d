"""Where the signs of a net are in its TFLite file, to exchange them in place.

The weights of two clients differ in signs alone, so that the exported file of
one becomes the other's by changing bytes, which needs no converter.
"""

from typing import List

import attrs
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

from tff_hidenseek.export import flatbuffer_rewrites
from tff_hidenseek.layers import sign_masked

_DTYPES = {
    schema.TensorType.FLOAT32: np.dtype('<f4'),
    schema.TensorType.INT8: np.dtype(np.int8),
}
_SIGN_BIT = 0x80


@attrs.frozen(eq=False)
class SignPlaces:
  """A file, and how each of its signs is changed.

  Attributes:
    content: The file in which every score is at least 0.
    places: For each score, the index of a byte in the file; uint32[K].
    masks: What this byte is XORed with where the score is below 0; uint8[K].
  """

  content: bytes
  places: np.ndarray
  masks: np.ndarray

  def write(self, is_plus: np.ndarray) -> bytes:
    """Returns the file of other signs; `is_plus` is bool[K]."""
    content = np.frombuffer(self.content, np.uint8).copy()
    content[self.places[~is_plus]] ^= self.masks[~is_plus]
    return content.tobytes()


def find(content: bytes, model: tf.keras.Model) -> SignPlaces:
  """Finds the signs of a model in its file.

  Args:
    content: A TFLite file, float32 or int8, of this model with any signs.
    model: A chain of sign-masked layers and of others without kernels.

  Raises:
    ValueError: If the kernels in the file are not the model's.
  """
  layers = [
      layer
      for layer in model.layers
      if isinstance(layer, sign_masked.SignMaskedLayer)
  ]
  changed = bytearray(content)
  tables = schema.Model.GetRootAs(changed)
  tensors = _kernel_tensors(tables)
  if len(tensors) != len(layers):
    raise ValueError(
        f'The file must have a kernel for each of {len(layers)} layers, found '
        f'{len(tensors)}.'
    )
  found = [
      _find_in_layer(changed, tables.Buffers(tensor.Buffer()), tensor, layer)
      for tensor, layer in zip(tensors, layers)
  ]
  places, masks = (np.concatenate(parts) for parts in zip(*found))
  return SignPlaces(bytes(changed), places.astype(np.uint32), masks)


def _kernel_tensors(tables) -> List[schema.Tensor]:
  """Returns the weights of convolutions and dense layers, in their order."""
  graph = tables.Subgraphs(0)
  operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
  return [
      graph.Tensors(operator.Inputs(flatbuffer_rewrites.WEIGHT_INPUT))
      for operator in operators
      if tables.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()
      in flatbuffer_rewrites.OPS_WITH_WEIGHTS
  ]


def _find_in_layer(content, buffer, tensor, layer):
  """Gives a layer its drawn signs; returns the places and masks of its scores.

  Args:
    content: The file, which is changed.
    buffer: That of the kernel in it.
    tensor: The kernel.
    layer: The layer.
  """
  dtype = _DTYPES[tensor.Type()]
  size, units = layer.kernel.shape.num_elements(), layer.kernel.shape[-1]
  rest, unit = np.divmod(layer.kept_positions.numpy(), units)
  # Keras has the units last, TFLite has them first.
  order = unit * (size // units) + rest
  in_file = buffer.DataAsNumpy().view(dtype)  # Of the file's own memory.
  weights = layer.kept_weights.numpy()
  kept = in_file[order]
  _check(tensor, in_file, kept, unit, weights)
  in_file[order] = np.where((kept > 0) == (weights > 0), kept, -kept)
  start = in_file.ctypes.data - np.frombuffer(content, np.uint8).ctypes.data
  # The sign of a little-endian float is in its last byte.
  places = start + dtype.itemsize * order + dtype.itemsize - 1
  if dtype == np.int8:
    masks = (in_file[order] ^ -in_file[order]).view(np.uint8)
  else:
    masks = np.full(len(order), _SIGN_BIT, np.uint8)
  return places, masks


def _check(tensor, in_file, kept, unit, weights) -> None:
  """Raises `ValueError` if the magnitudes in the file are not the layer's."""
  quantization = tensor.Quantization()
  scale = np.float32(1)
  error = np.float32(0)
  if quantization is not None and quantization.ScaleLength():
    scales = quantization.ScaleAsNumpy()
    scale = scales[unit] if len(scales) > 1 else scales[0]
    error = scale
  if np.count_nonzero(in_file) != np.count_nonzero(kept) or np.any(
      np.abs(np.abs(kept * scale) - np.abs(weights)) > error
  ):
    raise ValueError(
        f'The kernel {tensor.Name().decode()} of the file must be that of the '
        'layer but for signs, found other weights.'
    )
