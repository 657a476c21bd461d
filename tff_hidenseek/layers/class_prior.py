"""Logits of one client: how often it has each class is added to them."""

import tensorflow as tf


@tf.keras.utils.register_keras_serializable(package='tff_hidenseek')
class ClassPrior(tf.keras.layers.Layer):
  """Adds the log frequencies of classes to logits.

  Trained through this layer, a network learns what tells classes apart and not
  how often one client happens to have them (balanced softmax,
  https://arxiv.org/abs/2007.10740). So without the layer it treats all classes
  alike, and with it, as the client needs.

  Attributes:
    log_prior: Frozen, float of shape `[num_classes]`; 0 until it is assigned.
  """

  def build(self, input_shape: tf.TensorShape) -> None:
    self.log_prior = self.add_weight(
        'log_prior', [input_shape[-1]], initializer='zeros', trainable=False
    )
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    return inputs + self.log_prior


def append_class_prior(model: tf.keras.Model) -> tf.keras.Model:
  """Returns a model of the same layers that ends with a `ClassPrior`."""
  logits = ClassPrior(name='class_prior')(model.outputs[0])
  return tf.keras.Model(model.inputs, logits)
