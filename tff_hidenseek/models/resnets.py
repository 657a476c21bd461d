"""Residual classifiers, group-normalised (https://arxiv.org/abs/1512.03385)."""

from typing import Sequence

import tensorflow as tf

from tff_hidenseek.models import layer_sets

_BLOCKS_PER_STAGE = 2


def build_resnet18(
    input_shape: Sequence[int],
    num_classes: int,
    layer_set: layer_sets.LayerSet,
) -> tf.keras.Model:
  """Builds ResNet-18 for small images: a 3x3 stem without pooling.

  Args:
    input_shape: The height, width and channels of an image.
    num_classes: How many logits the model gives.
    layer_set: Makes the layers.

  Returns:
    A functional Keras model from images to logits.
  """
  dtype = layer_set.dtype
  inputs = tf.keras.Input(input_shape, dtype=dtype)
  x = _convolve(inputs, 64, 3, 1, 'stem', layer_set)
  x = tf.keras.layers.ReLU(name='stem_relu', dtype=dtype)(x)
  for stage, filters in enumerate([64, 128, 256, 512], start=1):
    for block in range(1, _BLOCKS_PER_STAGE + 1):
      strides = 2 if stage > 1 and block == 1 else 1
      name = f'stage{stage}_block{block}'
      x = _apply_block(x, filters, strides, name, layer_set)
  x = tf.keras.layers.GlobalAveragePooling2D(name='pool', dtype=dtype)(x)
  logits = layer_set.dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, logits)


def _apply_block(x, filters, strides, name, layer_set):
  """Applies two convolutions and adds the block's input to what they give."""
  dtype = layer_set.dtype
  shortcut = x
  if strides > 1:
    shortcut = _convolve(
        x, filters, 1, strides, f'{name}_shortcut', layer_set
    )
  x = _convolve(x, filters, 3, strides, f'{name}_conv1', layer_set)
  x = tf.keras.layers.ReLU(name=f'{name}_conv1_relu', dtype=dtype)(x)
  x = _convolve(x, filters, 3, 1, f'{name}_conv2', layer_set)
  x = tf.keras.layers.Add(name=f'{name}_add', dtype=dtype)([x, shortcut])
  return tf.keras.layers.ReLU(name=f'{name}_relu', dtype=dtype)(x)


def _convolve(x, filters, kernel_size, strides, name, layer_set):
  """Applies a convolution and its normalisation."""
  x = layer_set.conv2d(filters, kernel_size, strides, name=name)(x)
  return layer_set.normalization(name=f'{name}_norm')(x)
