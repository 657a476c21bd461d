"""A convolution of which only the signs of the kept weights are trained."""

from typing import Any, Dict, Sequence, Union

import tensorflow as tf

from tff_hidenseek.layers import sign_masked


def _pair(value: Union[int, Sequence[int]]) -> Sequence[int]:
  return (value, value) if isinstance(value, int) else tuple(value)


@tf.keras.utils.register_keras_serializable(package='tff_hidenseek')
class SignMaskedConv2D(sign_masked.SignMaskedLayer):
  """A 2D convolution with a frozen sparse kernel and trainable signs.

  Images are `[batch, height, width, channels]`, the kernel is
  `[height, width, channels, filters]`.

  Args:
    filters: How many output channels there are.
    kernel_size: The height and width of the kernel, or one number for both.
    num_kept: How many weights of the kernel are kept, at least 1.
    strides: The vertical and horizontal stride, or one number for both.
    padding: 'valid' or 'same'.
    **kwargs: Arguments of `tf.keras.layers.Layer`.
  """

  def __init__(
      self,
      filters: int,
      kernel_size: Union[int, Sequence[int]],
      num_kept: int,
      strides: Union[int, Sequence[int]] = 1,
      padding: str = 'valid',
      **kwargs: Any,
  ):
    super().__init__(num_kept, **kwargs)
    if padding not in ('valid', 'same'):
      raise ValueError(
          f"`padding` must be 'valid' or 'same', found {padding!r}."
      )
    self.filters = filters
    self.kernel_size = _pair(kernel_size)
    self.strides = _pair(strides)
    self.padding = padding
    self.input_spec = tf.keras.layers.InputSpec(ndim=4)

  def build(self, input_shape: tf.TensorShape) -> None:
    shape = [*self.kernel_size, input_shape[-1], self.filters]
    self.build_kernel(shape)
    super().build(input_shape)

  def call(self, inputs: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(
        inputs, self.signed_kernel(), self.strides, self.padding.upper()
    )

  def get_config(self) -> Dict[str, Any]:
    return {
        **super().get_config(),
        'filters': self.filters,
        'kernel_size': self.kernel_size,
        'strides': self.strides,
        'padding': self.padding,
    }
