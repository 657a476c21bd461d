"""Random numbers of many clients at once, the same bits as one by one.

TensorFlow's stateless generators draw from one seed. Here Philox (Salmon et
al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, Section 3.3) is
written in tensors, with an axis of seeds: draws of hundreds of clients are a
few kernels on a GPU.
"""

from typing import Any, List, Sequence, Tuple

import tensorflow as tf

_NUM_ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
# The key with which TensorFlow scrambles seeds.
_SCRAMBLE_KEY = (0x3EC8F720, 0x02461E29)
_LOW = 0xFFFFFFFF
_MANTISSA_BITS = 23


def draw_uniform(seeds: tf.Tensor, size: int) -> tf.Tensor:
  """Draws what `tf.random.stateless_uniform` draws from each seed.

  Args:
    seeds: `int64[n, 2]`.
    size: How many numbers to draw from each.

  Returns:
    `float32[n, size]` in [0, 1).
  """
  key, high = _scramble(seeds)
  num_blocks = -(-size // 4)
  low = tf.range(num_blocks, dtype=tf.int64)[tf.newaxis]
  words = _encrypt([low, 0, *high], key)
  # Exact, as TensorFlow's own way: it writes the bits after a 1 and takes 1.
  numbers = [
      tf.cast(tf.bitwise.bitwise_and(w, 2**_MANTISSA_BITS - 1), tf.float32)
      * 2.0**-_MANTISSA_BITS
      for w in words
  ]
  return tf.reshape(tf.stack(numbers, axis=-1), [-1, 4 * num_blocks])[:, :size]


def make_generators(seeds: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
  """Returns what TensorFlow's own ops draw with, after its scrambling.

  Args:
    seeds: `int64[n, 2]`.

  Returns:
    The key of each, `uint64[n, 1]`, and its counter, `uint64[n, 2]`.
  """
  key, high = _scramble(seeds)
  joined = _join(*key)
  return joined, tf.concat([tf.zeros_like(joined), _join(*high)], axis=1)


def _scramble(
    seeds: tf.Tensor,
) -> Tuple[List[tf.Tensor], List[tf.Tensor]]:
  """Returns each seed's key and the upper words of its counter, `[n, 1]`."""
  halves = [_split(seeds[:, i, tf.newaxis]) for i in range(2)]
  counter = [halves[0][0], halves[0][1], halves[1][0], halves[1][1]]
  mixed = _encrypt(counter, _SCRAMBLE_KEY)
  return mixed[:2], mixed[2:]


def _split(number: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
  """Returns the lower and the upper 32 bits of 64, as `int64`."""
  return (
      tf.bitwise.bitwise_and(number, _LOW),
      tf.bitwise.bitwise_and(
          tf.bitwise.right_shift(number, tf.constant(32, tf.int64)), _LOW
      ),
  )


def _join(low: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
  """Undoes `_split`, as `uint64`."""
  upper = tf.bitwise.left_shift(high, tf.constant(32, tf.int64))
  return tf.bitcast(tf.bitwise.bitwise_or(low, upper), tf.uint64)


def _encrypt(counter: Sequence[Any], key: Sequence[Any]) -> List[tf.Tensor]:
  """Returns Philox's four words of 32 bits, as `int64`."""
  counter = [tf.convert_to_tensor(x, tf.int64) for x in counter]
  key = [tf.convert_to_tensor(x, tf.int64) for x in key]
  for _ in range(_NUM_ROUNDS):
    # The products wrap around, with the right 64 bits.
    (low_0, high_0), (low_1, high_1) = (
        _split(counter[2 * i] * _MULTIPLIERS[i]) for i in range(2)
    )
    counter = [
        tf.bitwise.bitwise_xor(
            tf.bitwise.bitwise_xor(high_1, key[0]), counter[1]
        ),
        low_1,
        tf.bitwise.bitwise_xor(
            tf.bitwise.bitwise_xor(high_0, key[1]), counter[3]
        ),
        low_0,
    ]
    key = [
        tf.bitwise.bitwise_and(k + step, _LOW)
        for k, step in zip(key, _KEY_STEPS)
    ]
  return counter
