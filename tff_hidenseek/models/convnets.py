"""Convolutional classifiers without shortcuts.

Each is described by a list of its convolutions and poolings, followed by dense
layers: the whole architecture is in the builder's body.
"""

from typing import Sequence

import tensorflow as tf

from tff_hidenseek.models import layer_sets

_POOL = 'pool'


def build_cnn(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds two unpadded 3x3 convolutions, one pooling, one hidden layer.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve(
      [32, 64, _POOL], input_shape, layer_set, padding='valid'
  )
  return _classify(inputs, x, [128], num_classes, layer_set)


def build_pooled_cnn(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds two padded 3x3 convolutions, each pooled, and one hidden layer.

  On MNIST it has 421,408 weights.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve([32, _POOL, 64, _POOL], input_shape, layer_set)
  return _classify(inputs, x, [128], num_classes, layer_set)


def build_lenet(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds a net after LeNet-5, with ReLU, max-pooling and padding.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve(
      [6, _POOL, 16, _POOL], input_shape, layer_set, kernel_size=5
  )
  return _classify(inputs, x, [120, 84], num_classes, layer_set)


def build_conv2(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds the Conv-2 of https://arxiv.org/abs/1803.03635.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve([64, 64, _POOL], input_shape, layer_set)
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_conv4(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds the Conv-4 of https://arxiv.org/abs/1803.03635.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve(
      [64, 64, _POOL, 128, 128, _POOL], input_shape, layer_set
  )
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_conv6(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds the Conv-6 of https://arxiv.org/abs/1803.03635.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  inputs, x = _convolve(
      [64, 64, _POOL, 128, 128, _POOL, 256, 256, _POOL],
      input_shape,
      layer_set,
  )
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_vgg16(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds VGG-16 for small images: group-normalised, one dense layer.

  Args:
    input_shape: The height, width and channels of an image, at least 32x32.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  parts = [64] * 2 + [_POOL] + [128] * 2 + [_POOL]
  parts += ([256] * 3 + [_POOL]) + ([512] * 3 + [_POOL]) * 2
  inputs, x = _convolve(parts, input_shape, layer_set, is_normalized=True)
  return _classify(inputs, x, [], num_classes, layer_set)


def _convolve(
    parts,
    input_shape,
    layer_set,
    kernel_size=3,
    padding='same',
    is_normalized=False,
):
  """Applies convolutions, given by their filters, and poolings to an input."""
  dtype = layer_set.dtype
  inputs = tf.keras.Input(input_shape, dtype=dtype)
  x = inputs
  num_convs = 0
  for part in parts:
    if part == _POOL:
      name = f'conv{num_convs}_pool'
      x = tf.keras.layers.MaxPool2D(name=name, dtype=dtype)(x)
      continue
    num_convs += 1
    name = f'conv{num_convs}'
    x = layer_set.conv2d(part, kernel_size, padding=padding, name=name)(x)
    if is_normalized:
      x = layer_set.normalization(name=f'{name}_norm')(x)
    x = tf.keras.layers.ReLU(name=f'{name}_relu', dtype=dtype)(x)
  return inputs, x


def _classify(inputs, x, hidden_units, num_classes, layer_set):
  """Applies hidden dense layers and the layer of logits."""
  dtype = layer_set.dtype
  x = tf.keras.layers.Flatten(name='flatten', dtype=dtype)(x)
  for index, units in enumerate(hidden_units, start=1):
    x = layer_set.dense(units, name=f'dense{index}')(x)
    x = tf.keras.layers.ReLU(name=f'dense{index}_relu', dtype=dtype)(x)
  logits = layer_set.dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, logits)
