from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import philox

_SEEDS = np.array([[0, 2], [5, -7], [-(2**62) - 1, 2**62 + 12345]])


class PhiloxTest(parameterized.TestCase, tf.test.TestCase):

  # Blocks have four numbers.
  @parameterized.parameters(1, 4, 11)
  def test_draws_the_bits_that_tensorflow_draws(self, size):
    expected = [
        tf.random.stateless_uniform([size], seed, alg='philox')
        for seed in _SEEDS
    ]
    found = philox.draw_uniform(tf.constant(_SEEDS), size)
    self.assertAllEqual(found, expected)

  def test_generators_are_those_of_tensorflow(self):
    keys, counters = philox.make_generators(tf.constant(_SEEDS))
    for seed, key, counter in zip(_SEEDS, keys, counters):
      self.assertAllEqual(
          tf.raw_ops.StatelessShuffle(
              value=tf.range(9), key=key, counter=counter, alg=1
          ),
          tf.random.experimental.stateless_shuffle(
              tf.range(9), seed, alg='philox'
          ),
      )


if __name__ == '__main__':
  tf.test.main()
