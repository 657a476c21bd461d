"""Classifiers without convolutions."""

from typing import Sequence

import tensorflow as tf

from tff_hidenseek.models import layer_sets


def build_linear(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds a linear classifier of the pixels.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  return _build_dense_net([], input_shape, num_classes, layer_set)


def build_mlp(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds LeNet-300-100: two hidden layers, of 300 and of 100 units.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  return _build_dense_net([300, 100], input_shape, num_classes, layer_set)


def _build_dense_net(hidden_units, input_shape, num_classes, layer_set):
  """Builds a chain of dense layers with ReLU between them."""
  dtype = layer_set.dtype
  inputs = tf.keras.Input(input_shape, dtype=dtype)
  x = tf.keras.layers.Flatten(name='flatten', dtype=dtype)(inputs)
  for index, units in enumerate(hidden_units, start=1):
    x = layer_set.dense(units, name=f'dense{index}')(x)
    x = tf.keras.layers.ReLU(name=f'dense{index}_relu', dtype=dtype)(x)
  logits = layer_set.dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, logits)
