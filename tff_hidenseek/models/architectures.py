"""The image classifiers, and the table of them.

Each is written once, for dense and for sign-masked layers. Every builder takes
the shape of an image `(height, width, channels)`, the number of classes and the
`LayerSet` that makes the layers, and returns a functional Keras model from
images `float32[n, height, width, channels]` to logits `float32[n, classes]`.
"""

from typing import Sequence

import tensorflow as tf

from tff_hidenseek.models import layer_sets

Shape = Sequence[int]

_POOL = 'pool'
_BLOCKS_PER_STAGE = 2


def build_linear(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds a linear classifier of the pixels."""
  inputs = tf.keras.Input(input_shape, dtype=layer_set.dtype)
  return _classify(inputs, inputs, [], num_classes, layer_set)


def build_mlp(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds LeNet-300-100: two hidden layers, of 300 and of 100 units."""
  inputs = tf.keras.Input(input_shape, dtype=layer_set.dtype)
  return _classify(inputs, inputs, [300, 100], num_classes, layer_set)


def build_cnn(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds two unpadded 3x3 convolutions, one pooling, one hidden layer."""
  inputs, x = _convolve(
      [32, 64, _POOL], input_shape, layer_set, padding='valid'
  )
  return _classify(inputs, x, [128], num_classes, layer_set)


def build_pooled_cnn(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds two padded 3x3 convolutions, each pooled, and one hidden layer.

  On MNIST it has 421,408 weights.
  """
  inputs, x = _convolve([32, _POOL, 64, _POOL], input_shape, layer_set)
  return _classify(inputs, x, [128], num_classes, layer_set)


def build_small_cnn(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds the net of PyTorch's old MNIST example, without its dropout.

  Two unpadded 5x5 convolutions of 10 and of 20 filters, each pooled, and one
  hidden layer of 50 units: on MNIST 21,750 weights. Public programs of FedAvg
  give accuracies for it.
  """
  inputs, x = _convolve(
      [10, _POOL, 20, _POOL],
      input_shape,
      layer_set,
      kernel_size=5,
      padding='valid',
  )
  return _classify(inputs, x, [50], num_classes, layer_set)


def build_pooled_conv5(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds five padded 3x3 convolutions, each pooled and group-normalised.

  No dense layer but that of the logits. On CIFAR-10 it has 1,572,704 weights,
  three quarters of them where an image is 2 x 2 and a weight costs little.
  """
  dtype = layer_set.dtype
  inputs = tf.keras.Input(input_shape, dtype=dtype)
  x = inputs
  for index, filters in enumerate([32, 64, 128, 256, 512], start=1):
    name = f'conv{index}'
    x = layer_set.conv2d(filters, 3, name=name)(x)

    # Pooled first: normalising a quarter of the activations takes less time.
    x = tf.keras.layers.MaxPool2D(
        padding='same', name=f'{name}_pool', dtype=dtype
    )(x)
    x = layer_set.normalization(name=f'{name}_norm')(x)
    x = tf.keras.layers.ReLU(name=f'{name}_relu', dtype=dtype)(x)
  return _classify(inputs, x, [], num_classes, layer_set)


def build_lenet(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds a net after LeNet-5, with ReLU, max-pooling and padding."""
  inputs, x = _convolve(
      [6, _POOL, 16, _POOL], input_shape, layer_set, kernel_size=5
  )
  return _classify(inputs, x, [120, 84], num_classes, layer_set)


def build_conv2(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds the Conv-2 of https://arxiv.org/abs/1803.03635."""
  inputs, x = _convolve([64, 64, _POOL], input_shape, layer_set)
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_conv4(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds the Conv-4 of https://arxiv.org/abs/1803.03635."""
  inputs, x = _convolve(
      [64, 64, _POOL, 128, 128, _POOL], input_shape, layer_set
  )
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_conv6(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds the Conv-6 of https://arxiv.org/abs/1803.03635."""
  inputs, x = _convolve(
      [64, 64, _POOL, 128, 128, _POOL, 256, 256, _POOL],
      input_shape,
      layer_set,
  )
  return _classify(inputs, x, [256, 256], num_classes, layer_set)


def build_vgg16(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds VGG-16 for small images: group-normalised, one dense layer."""
  parts = [64] * 2 + [_POOL] + [128] * 2 + [_POOL]
  parts += ([256] * 3 + [_POOL]) + ([512] * 3 + [_POOL]) * 2
  inputs, x = _convolve(parts, input_shape, layer_set, is_normalized=True)
  return _classify(inputs, x, [], num_classes, layer_set)


def build_resnet18(
    input_shape: Shape, num_classes: int, layer_set: layer_sets.LayerSet
) -> tf.keras.Model:
  """Builds ResNet-18 (https://arxiv.org/abs/1512.03385) for small images.

  A 3x3 stem without pooling, and groups in the place of batch normalisation.
  """
  dtype = layer_set.dtype
  inputs = tf.keras.Input(input_shape, dtype=dtype)
  x = _convolve_norm(inputs, 64, 3, 1, 'stem', layer_set)
  x = tf.keras.layers.ReLU(name='stem_relu', dtype=dtype)(x)
  for stage, filters in enumerate([64, 128, 256, 512], start=1):
    for block in range(1, _BLOCKS_PER_STAGE + 1):
      strides = 2 if stage > 1 and block == 1 else 1
      name = f'stage{stage}_block{block}'
      x = _apply_block(x, filters, strides, name, layer_set)
  x = tf.keras.layers.GlobalAveragePooling2D(name='pool', dtype=dtype)(x)
  logits = layer_set.dense(num_classes, name='logits')(x)
  return tf.keras.Model(inputs, logits)


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


def _apply_block(x, filters, strides, name, layer_set):
  """Applies two convolutions and adds the block's input to what they give."""
  dtype = layer_set.dtype
  shortcut = x
  if strides > 1:
    shortcut = _convolve_norm(
        x, filters, 1, strides, f'{name}_shortcut', layer_set
    )
  x = _convolve_norm(x, filters, 3, strides, f'{name}_conv1', layer_set)
  x = tf.keras.layers.ReLU(name=f'{name}_conv1_relu', dtype=dtype)(x)
  x = _convolve_norm(x, filters, 3, 1, f'{name}_conv2', layer_set)
  x = tf.keras.layers.Add(name=f'{name}_add', dtype=dtype)([x, shortcut])
  return tf.keras.layers.ReLU(name=f'{name}_relu', dtype=dtype)(x)


def _convolve_norm(x, filters, kernel_size, strides, name, layer_set):
  """Applies a convolution and its normalisation."""
  x = layer_set.conv2d(filters, kernel_size, strides, name=name)(x)
  return layer_set.normalization(name=f'{name}_norm')(x)


MODELS = {
    'linear': build_linear,
    'mlp': build_mlp,
    'lenet': build_lenet,
    'cnn': build_cnn,
    'pooled_cnn': build_pooled_cnn,
    'small_cnn': build_small_cnn,
    'pooled_conv5': build_pooled_conv5,
    'conv2': build_conv2,
    'conv4': build_conv4,
    'conv6': build_conv6,
    'vgg16': build_vgg16,
    'resnet18': build_resnet18,
}
