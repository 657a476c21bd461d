"""Group normalisation that TFLite runs on any number of images."""

import math

import tensorflow as tf


class FourAxesGroupNormalization(tf.keras.layers.GroupNormalization):
  """Keras' layer with four axes at most, for channels that come last.

  Keras divides the channels of an image into two of five axes, and reads the
  size of the batch while it runs. TFLite's arithmetic broadcasts four axes;
  for five the converter adds operations that LiteRT refuses to run at all.
  """

  def call(self, inputs):
    shape = inputs.shape[1:]
    places, channels = math.prod(shape[:-1]), shape[-1]
    x = tf.reshape(
        inputs, [-1, places, self.groups, channels // self.groups]
    )
    mean = tf.reduce_mean(x, [1, 3], keepdims=True)
    centred = x - mean
    variance = tf.reduce_mean(tf.square(centred), [1, 3], keepdims=True)
    x = tf.reshape(
        centred * tf.math.rsqrt(variance + self.epsilon), [-1, *shape]
    )
    if self.scale:
      x *= self.gamma
    if self.center:
      x += self.beta
    return x


def replace(model: tf.keras.Model) -> tf.keras.Model:
  """Returns a copy of a model whose group normalisation has four axes.

  Args:
    model: A model of plain Keras layers, channels last.

  Returns:
    A model that gives the same outputs, up to rounding.
  """

  def clone(layer):
    cls = type(layer)
    if cls is tf.keras.layers.GroupNormalization:
      cls = FourAxesGroupNormalization
    return cls.from_config(layer.get_config())

  copy = tf.keras.models.clone_model(model, clone_function=clone)
  copy.set_weights(model.get_weights())
  return copy
