"""A dense layer of which only the signs of the kept weights are trained."""

from typing import Any, Dict

import tensorflow as tf

from tff_hidenseek.layers import sign_masked


@tf.keras.utils.register_keras_serializable(package='tff_hidenseek')
class SignMaskedDense(sign_masked.SignMaskedLayer):
  """A dense layer with a frozen sparse kernel and trainable signs.

  Args:
    units: How many outputs there are.
    num_kept: How many weights of the kernel are kept, at least 1.
    **kwargs: Arguments of `tf.keras.layers.Layer`.
  """

  def __init__(self, units: int, num_kept: int, **kwargs: Any):
    super().__init__(num_kept, **kwargs)
    self.units = units
    self.input_spec = tf.keras.layers.InputSpec(ndim=2)

  def build(self, input_shape: tf.TensorShape) -> None:
    self.build_kernel([input_shape[-1], self.units])
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    return tf.matmul(inputs, self.signed_kernel())

  def get_config(self) -> Dict[str, Any]:
    return {**super().get_config(), 'units': self.units}
