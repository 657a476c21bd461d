"""Layers of many clients at once: every weight has a leading axis of clients.

The examples of all clients are one batch, one client's after another's, so that
layers without weights are those of one client. A layer with weights takes the
batch apart: a dense layer is a batched product, a convolution one of patches.
Such layers own no weights. `apply` gives them tensors, so that what trains can
be carried through a loop, and a kernel may be made from something else.
"""

from typing import Any, List, Sequence, Tuple

import tensorflow as tf

from tff_hidenseek.layers import patches as patches_lib
from tff_hidenseek.models import layer_sets

Shape = Tuple[int, ...]


class _Weighted:
  """What layers with weights share.

  Attributes:
    weight_shapes: The shape of each weight at one client.
  """

  weight_shapes: Sequence[Shape] = ()
  _given: Sequence[tf.Tensor] = ()

  def give(self, weights: Sequence[tf.Tensor]) -> None:
    """Sets the weights, `[clients, ...]`, for the next calls."""
    # Keras would keep track of what it sees as an attribute.
    object.__setattr__(self, '_given', weights)

  def _weights(self) -> Sequence[tf.Tensor]:
    """Returns what was given; zeros of one client while a model is built."""
    return self._given or [tf.zeros([1, *s]) for s in self.weight_shapes]


def _separate(x: tf.Tensor, weight: tf.Tensor, width: int) -> tf.Tensor:
  """Reshapes a batch of all clients to `[clients, rows, width]`."""
  return tf.reshape(x, [tf.shape(weight)[0], -1, width])


class _Dense(_Weighted, tf.keras.layers.Layer):
  """Batched products: `[clients * batch, inputs]` to `[.., units]`."""

  def __init__(self, units: int, use_bias: bool, name: str):
    super().__init__(name=name)
    self._units = units
    self._use_bias = use_bias

  def build(self, input_shape: tf.TensorShape) -> None:
    bias = [(self._units,)] if self._use_bias else []
    self.weight_shapes = [(input_shape[-1], self._units), *bias]
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    kernel, *bias = self._weights()
    return _multiply(inputs, kernel, bias, [self._units])


class _Conv2D(_Weighted, tf.keras.layers.Layer):
  """A convolution of each client, as a product of patches.

  The patches of a batch are `kernel_size ** 2` times as large as it is.
  """

  def __init__(
      self,
      filters: int,
      kernel_size: int,
      strides: int,
      padding: str,
      use_bias: bool,
      name: str,
  ):
    super().__init__(name=name)
    self._filters = filters
    self._kernel_size = kernel_size
    self._strides = strides
    self._padding = padding
    self._use_bias = use_bias

  def build(self, input_shape: tf.TensorShape) -> None:
    size = self._kernel_size
    bias = [(self._filters,)] if self._use_bias else []
    self.weight_shapes = [(size, size, input_shape[-1], self._filters), *bias]
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    kernel, *bias = self._weights()
    patches = self._take_patches(inputs)
    _, height, width, depth = patches.shape
    kernel = tf.reshape(kernel, [-1, depth, self._filters])
    return _multiply(patches, kernel, bias, [height, width, self._filters])

  def _take_patches(self, x: tf.Tensor) -> tf.Tensor:
    """Returns `[n, height, width, patch]`, patches in the order of a kernel."""
    size, strides = self._kernel_size, self._strides
    paddings = []
    for side in x.shape[1:3]:
      padding = 0
      if self._padding == 'same':
        padding = max((-(-side // strides) - 1) * strides + size - side, 0)
      paddings.append([padding // 2, padding - padding // 2])
    if any(map(sum, paddings)):
      x = tf.pad(x, [[0, 0], *paddings, [0, 0]])
    return patches_lib.take_patches(x, size, size, strides)


def _multiply(
    x: tf.Tensor, kernel: tf.Tensor, bias: List[tf.Tensor], shape: List[int]
) -> tf.Tensor:
  """Returns each client's product, its rows in the given shape."""
  products = tf.matmul(_separate(x, kernel, kernel.shape[1]), kernel)
  if bias:
    products += bias[0][:, tf.newaxis]
  return tf.reshape(products, [-1, *shape])


class _Normalization(_Weighted, tf.keras.layers.GroupNormalization):
  """Group normalisation, with each client's scale and offset if it has any."""

  def __init__(self, use_bias: bool, name: str):
    super().__init__(
        layer_sets.NORMALIZATION_GROUPS, center=False, scale=False, name=name
    )
    self._use_bias = use_bias

  def build(self, input_shape: tf.TensorShape) -> None:
    if self._use_bias:
      self.weight_shapes = [(input_shape[-1],)] * 2
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    outputs = super().call(inputs)
    if not self._use_bias:
      return outputs
    scale, offset = self._weights()
    _, height, width, channels = inputs.shape
    outputs = (
        _separate(outputs, scale, channels) * scale[:, tf.newaxis]
        + offset[:, tf.newaxis]
    )
    return tf.reshape(outputs, [-1, height, width, channels])


class ClientAxisLayers(layer_sets.LayerSet):
  """Layers whose weights, given by `apply`, have a leading axis of clients.

  Args:
    use_bias: Whether layers have a bias, and normalisation a scale and offset.
  """

  def __init__(self, use_bias: bool = True):
    self._use_bias = use_bias

  def conv2d(self, filters, kernel_size, strides=1, padding='same', *, name):
    return _Conv2D(
        filters, kernel_size, strides, padding, self._use_bias, name
    )

  def dense(self, units, *, name):
    return _Dense(units, self._use_bias, name)

  def normalization(self, *, name):
    return _Normalization(self._use_bias, name)


def apply(
    model: tf.keras.Model, weights: Sequence[tf.Tensor], images: tf.Tensor
) -> tf.Tensor:
  """Applies a model of `ClientAxisLayers` to the images of all clients.

  Args:
    model: The model.
    weights: `[clients, ...]`, in the order of the variables of the same model
      of `DenseLayers`.
    images: `float32[clients * batch, height, width, channels]`, as many of each
      client, one client's after another's.

  Returns:
    Their logits, `float32[clients * batch, num_classes]`.
  """
  remaining: Any = iter(weights)
  for layer in model.layers:
    if isinstance(layer, _Weighted):
      layer.give([next(remaining) for _ in layer.weight_shapes])
  return model(images)
