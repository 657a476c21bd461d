"""The discrete Gaussian: noise for sums of whole numbers, from a seed.

C. Canonne, G. Kamath and T. Steinke, "The discrete Gaussian for differential
privacy" (https://arxiv.org/abs/2004.00010), Algorithm 3 with t = sigma: a
discrete Laplace draw x is accepted with chance exp(-(|x| - sigma)^2 / (2
sigma^2)). tensorflow_privacy has it too, but without a seed, for whole sigma
only, and in need of TensorFlow Probability, which is not installed here. As
there, draws are made of floats: fit for a simulation, not for a deployment.
"""

import tensorflow as tf

from tff_hidenseek.learning import random_seeds


def sample(scale: float, shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """Draws from the discrete Gaussian around 0.

  Args:
    scale: Its sigma, above 0; for sigma of 1 or more, the standard deviation.
    shape: The shape to return, `int32[rank]`.
    seed: A seed for stateless draws, `int64[2]`.

  Returns:
    Whole numbers, `float64`, of which a number x has a chance in proportion to
    exp(-x^2 / (2 scale^2)).
  """
  scale = tf.constant(scale, tf.float64)

  def draw(attempt: tf.Tensor) -> tf.Tensor:
    uniform = 1 - tf.random.stateless_uniform(
        tf.concat([[3], shape], axis=0),
        random_seeds.fold_in(seed, attempt),
        dtype=tf.float64,
        alg=random_seeds.ALGORITHM,
    )  # In (0, 1].
    # The difference of two geometric draws is a discrete Laplace draw.
    geometric = tf.floor(-scale * tf.math.log(uniform[:2]))
    laplace = geometric[0] - geometric[1]
    excess = (tf.abs(laplace) - scale) / scale
    return laplace, uniform[2] <= tf.exp(-tf.square(excess) / 2)

  def try_again(attempt, drawn, is_drawn):
    laplace, is_accepted = draw(attempt)
    return (
        attempt + 1,
        tf.where(is_drawn, drawn, laplace),
        is_drawn | is_accepted,
    )

  # A draw that was not accepted is overwritten by the next attempt's.
  _, drawn, _ = tf.while_loop(
      lambda attempt, drawn, is_drawn: ~tf.reduce_all(is_drawn),
      try_again,
      (0, tf.zeros(shape, tf.float64), tf.zeros(shape, tf.bool)),
  )
  return drawn
