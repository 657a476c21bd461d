"""The shapes of a model's kernels, found without making the kernels."""

import collections
from typing import Callable

import tensorflow as tf

from tff_hidenseek.models import layer_sets


def kernel_shapes(
    build_model: Callable[[layer_sets.LayerSet], tf.keras.Model],
) -> collections.OrderedDict:
  """Returns the shape of each prunable kernel.

  Args:
    build_model: Makes the model from the layers it is given.

  Returns:
    Tuples of integers by the name of the layer, in the order of the model.
  """
  model = build_model(_ShapeLayers())
  return collections.OrderedDict(
      (layer.name, layer.kernel_shape)
      for layer in model.layers
      if isinstance(layer, _ShapeLayer)
  )


class _ShapeLayer(tf.keras.layers.Layer):
  """A layer without weights whose output is zero, in the right shape."""

  def __init__(self, units, name, kernel_size=(), strides=1, padding='same'):
    super().__init__(name=name)
    self._units = units
    self._kernel_size = kernel_size
    self._strides = strides
    self._padding = padding

  def build(self, input_shape):
    self.kernel_shape = (*self._kernel_size, input_shape[-1], self._units)
    super().build(input_shape)

  def call(self, inputs):
    sides = [
        (side - (size - 1 if self._padding == 'valid' else 0) - 1)
        // self._strides
        + 1
        for side, size in zip(inputs.shape[1:-1], self._kernel_size)
    ]
    if any(side < 1 for side in sides):
      raise ValueError(
          f'Layer {self.name!r} must get images of at least '
          f'{self._kernel_size}, found {inputs.shape[1:-1]}.'
      )
    return tf.zeros([tf.shape(inputs)[0], *sides, self._units])


class _ShapeLayers(layer_sets.LayerSet):
  """Makes layers that know the shape of the kernel they would have."""

  def conv2d(self, filters, kernel_size, strides=1, padding='same', *, name):
    return _ShapeLayer(
        filters, name, (kernel_size, kernel_size), strides, padding
    )

  def dense(self, units, *, name):
    return _ShapeLayer(units, name)

  def normalization(self, *, name):
    return tf.keras.layers.Activation('linear', name=name)
