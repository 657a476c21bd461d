"""Packed bits and nibbles, made of TensorFlow Lite's built-in operations alone.

The same codes as `layers.sign_ops` and the server's broadcasts. Shifts are
multiplications with powers of two, which are exact.
"""

import tensorflow as tf

_BITS_PER_BYTE = 8


def pack_bits(bits: tf.Tensor) -> tf.Tensor:
  """Packs bool[K] into uint8[ceil(K / 8)], the lowest place first."""
  padding = -bits.shape[0] % _BITS_PER_BYTE
  digits = tf.pad(tf.cast(bits, tf.float32), [[0, padding]])
  places = tf.constant([[2.0**k] for k in range(_BITS_PER_BYTE)])
  packed = tf.matmul(tf.reshape(digits, [-1, _BITS_PER_BYTE]), places)
  return tf.cast(packed[:, 0], tf.uint8)


def unpack_digits(
    packed: tf.Tensor, bits_per_digit: int, num_digits: int
) -> tf.Tensor:
  """Reads equally wide unsigned numbers out of bytes, the lowest place first.

  Args:
    packed: uint8[ceil(num_digits * bits_per_digit / 8)].
    bits_per_digit: 1, 2, 4 or 8.
    num_digits: How many numbers to return.

  Returns:
    The numbers, float32[num_digits]. An interpreter that is given another
    number of bytes than `packed` has raises: it does so where a shape is known.
  """
  rest = tf.cast(packed, tf.float32)
  base = 2.0**bits_per_digit
  digits = []
  for _ in range(_BITS_PER_BYTE // bits_per_digit):
    higher = tf.floor((rest + 0.5) * (1 / base))
    digits.append(rest - base * higher)
    rest = higher
  num_packed = packed.shape[0] * len(digits)
  return tf.reshape(tf.stack(digits, axis=1), [num_packed])[:num_digits]
