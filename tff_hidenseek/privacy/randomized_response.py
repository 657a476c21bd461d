"""Randomised response: a client flips its bits before anybody sees them.

S. L. Warner, "Randomized response", JASA 1965. A bit is flipped with chance
1 / (1 + e**epsilon), so whatever is received is at most e**epsilon times as
likely for one bit as for the other: local differential privacy, which needs no
trust in the server.
"""

import math

import tensorflow as tf

from tff_hidenseek.learning import random_seeds

# Beyond, a float32 that is uniform in [0, 1) is too coarse for the chance.
LARGEST_EPSILON = 16.0


def flip_chance(epsilon: float) -> float:
  """Returns the chance in (0, 1/2] that a bit is flipped."""
  return 1 / (1 + math.exp(epsilon))


def debias_factor(epsilon: float) -> float:
  """Returns what makes the mean of randomised signs unbiased, times it.

  Args:
    epsilon: The budget of a bit, above 0.

  Returns:
    1 / (1 - 2 * flip_chance), at least 1.
  """
  return 1 / math.tanh(epsilon / 2)


def randomize(bits: tf.Tensor, epsilon: float, seed: tf.Tensor) -> tf.Tensor:
  """Flips each bit with its own coin.

  Args:
    bits: A bool tensor.
    epsilon: The budget of a bit, in (0, `LARGEST_EPSILON`].
    seed: The seed of the coins, `int64[2]`.

  Returns:
    The bits as they may be seen, of the same shape.
  """
  uniform = tf.random.stateless_uniform(
      tf.shape(bits), seed, alg=random_seeds.ALGORITHM
  )
  # Multiples of 2**-23: the chance is rounded up, in favour of privacy.
  return tf.not_equal(bits, uniform < flip_chance(epsilon))
