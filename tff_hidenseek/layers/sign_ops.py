"""The sign of a score, and signs packed into bytes."""

import tensorflow as tf

_BITS_PER_BYTE = 8


def binary_sign(scores: tf.Tensor) -> tf.Tensor:
  """Returns +1 where a score is at least zero and -1 elsewhere.

  Args:
    scores: A float tensor of any shape.

  Returns:
    A tensor of the shape and dtype of `scores`. Zero counts as +1.
  """
  ones = tf.ones_like(scores)
  return tf.where(scores >= 0, ones, -ones)


def num_packed_bytes(num_bits: int) -> int:
  """Returns how many bytes `pack_bits` needs for `num_bits` bits."""
  return -(-num_bits // _BITS_PER_BYTE)


def pack_bits(bits: tf.Tensor) -> tf.Tensor:
  """Packs eight bits into a byte, the first bit in the lowest place.

  Args:
    bits: A bool tensor of shape `[K]`, `K` known statically.

  Returns:
    A uint8 tensor of shape `[ceil(K / 8)]`, as given by
    `np.packbits(bits, bitorder='little')`. Bits after the last are zero.
  """
  num_bits = bits.shape[0]
  num_bytes = num_packed_bytes(num_bits)
  padding = num_bytes * _BITS_PER_BYTE - num_bits
  digits = tf.pad(tf.cast(bits, tf.uint8), [[0, padding]])
  digits = tf.reshape(digits, [num_bytes, _BITS_PER_BYTE])
  return tf.reduce_sum(digits * _place_values(), axis=1)


def pack_rows(bits: tf.Tensor) -> tf.Tensor:
  """Packs each row as `pack_bits` does.

  In floats, which are exact here: a GPU does not add up bytes.

  Args:
    bits: A bool tensor of shape `[n, K]`, `K` known statically.

  Returns:
    A uint8 tensor of shape `[n, ceil(K / 8)]`.
  """
  num_bits = bits.shape[1]
  num_bytes = num_packed_bytes(num_bits)
  padding = num_bytes * _BITS_PER_BYTE - num_bits
  digits = tf.pad(tf.cast(bits, tf.float32), [[0, 0], [0, padding]])
  digits = tf.reshape(digits, [-1, num_bytes, _BITS_PER_BYTE])
  return tf.cast(
      tf.linalg.matvec(digits, tf.cast(_place_values(), tf.float32)), tf.uint8
  )


def unpack_bits(packed: tf.Tensor, num_bits: int) -> tf.Tensor:
  """Undoes `pack_bits`.

  Args:
    packed: A uint8 tensor of shape `[ceil(num_bits / 8)]`.
    num_bits: How many bits to return.

  Returns:
    A bool tensor of shape `[num_bits]`.
  """
  digits = tf.bitwise.bitwise_and(packed[:, tf.newaxis], _place_values())
  return tf.reshape(digits > 0, [-1])[:num_bits]


def _place_values() -> tf.Tensor:
  return tf.constant([1 << i for i in range(_BITS_PER_BYTE)], tf.uint8)
