"""The layers a model is built from: dense, sign-masked or for saliencies.

A builder of this package is written once. What its weights are, and which of
them train, is decided by the layer set it is given.
"""

import abc
from typing import List, Mapping, Optional

import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense

NORMALIZATION_GROUPS = 32


class LayerSet(abc.ABC):
  """Makes the layers of a model.

  Attributes:
    dtype: The dtype of the model, a string.
  """

  dtype = 'float32'

  @abc.abstractmethod
  def conv2d(
      self,
      filters: int,
      kernel_size: int,
      strides: int = 1,
      padding: str = 'same',
      *,
      name: str,
  ) -> tf.keras.layers.Layer:
    """Returns a 2D convolution with a prunable kernel."""

  @abc.abstractmethod
  def dense(self, units: int, *, name: str) -> tf.keras.layers.Layer:
    """Returns a fully connected layer with a prunable kernel."""

  @abc.abstractmethod
  def normalization(self, *, name: str) -> tf.keras.layers.Layer:
    """Returns a layer that normalises over groups of channels."""


class DenseLayers(LayerSet):
  """Plain Keras layers, of which every weight trains.

  Args:
    use_bias: Whether layers have a bias, and normalisation an offset and scale.
    initializer_seed: Draws the kernels (He normal), each layer's from its own
      stream and the same bits every time; None leaves them zero, for models
      whose weights are assigned.
    dtype: The dtype of the model.
  """

  def __init__(
      self,
      use_bias: bool = True,
      initializer_seed: Optional[int] = None,
      dtype: str = 'float32',
  ):
    self.dtype = dtype
    self._use_bias = use_bias
    self._initializer_seed = initializer_seed
    self._num_kernels = 0

  def conv2d(self, filters, kernel_size, strides=1, padding='same', *, name):
    return tf.keras.layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding,
        use_bias=self._use_bias,
        kernel_initializer=self._next_initializer(),
        name=name,
        dtype=self.dtype,
    )

  def dense(self, units, *, name):
    return tf.keras.layers.Dense(
        units,
        use_bias=self._use_bias,
        kernel_initializer=self._next_initializer(),
        name=name,
        dtype=self.dtype,
    )

  def normalization(self, *, name):
    return tf.keras.layers.GroupNormalization(
        NORMALIZATION_GROUPS,
        center=self._use_bias,
        scale=self._use_bias,
        name=name,
        dtype=self.dtype,
    )

  def _next_initializer(self):
    if self._initializer_seed is None:
      return 'zeros'
    stream = np.random.SeedSequence([self._initializer_seed, self._num_kernels])
    self._num_kernels += 1
    seed = int(stream.generate_state(1)[0]) >> 1  # Keras wants an int32.
    return tf.keras.initializers.HeNormal(seed)


class SignMaskedLayers(LayerSet):
  """Layers of which only the signs of the kept weights train.

  All weights are zero until the layers are given theirs by `set_frozen`.

  Args:
    num_kept: How many weights are kept, by the name of the layer.
  """

  def __init__(self, num_kept: Mapping[str, int]):
    self._num_kept = num_kept

  def conv2d(self, filters, kernel_size, strides=1, padding='same', *, name):
    return sign_masked_conv2d.SignMaskedConv2D(
        filters,
        kernel_size,
        self._num_kept[name],
        strides,
        padding,
        name=name,
    )

  def dense(self, units, *, name):
    return sign_masked_dense.SignMaskedDense(
        units, self._num_kept[name], name=name
    )

  def normalization(self, *, name):
    return tf.keras.layers.GroupNormalization(
        NORMALIZATION_GROUPS, center=False, scale=False, name=name
    )


class SaliencyLayers(DenseLayers):
  """Layers for saliencies: float64, without biases or normalisation."""

  def __init__(self):
    super().__init__(use_bias=False, dtype='float64')

  def normalization(self, *, name):
    return tf.keras.layers.Activation('linear', name=name, dtype=self.dtype)


def prunable_layers(model: tf.keras.Model) -> List[tf.keras.layers.Layer]:
  """Returns the layers with a kernel, in the order of the model."""
  return [layer for layer in model.layers if hasattr(layer, 'kernel')]
