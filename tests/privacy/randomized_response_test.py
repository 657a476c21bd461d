import math

from absl.testing import absltest
import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import random_seeds
from tff_hidenseek.privacy import randomized_response

_SEED = tf.constant([3, 5], tf.int64)


class RandomizedResponseTest(absltest.TestCase):

  def test_chances_are_those_of_epsilon(self):
    self.assertAlmostEqual(randomized_response.flip_chance(math.log(3)), 0.25)
    # 0.75 yes and 0.25 no for a yes: a mean of 0.5, half of what it should be.
    self.assertAlmostEqual(randomized_response.debias_factor(math.log(3)), 2)

  def test_flips_one_bit_in_four_at_log_three(self):
    bits = tf.constant([True, False] * 50_000)
    seen = randomized_response.randomize(bits, math.log(3), _SEED).numpy()
    for is_yes in (True, False):
      flipped = np.mean(seen[bits.numpy() == is_yes] != is_yes)
      # Five standard deviations of 50,000 coins.
      self.assertBetween(flipped, 0.25 - 0.0097, 0.25 + 0.0097)

  def test_flips_half_of_the_bits_of_no_epsilon_and_few_of_a_large_one(self):
    bits = tf.zeros([100_000], tf.bool)
    half = randomized_response.randomize(bits, 1e-6, _SEED).numpy().mean()
    self.assertBetween(half, 0.49, 0.51)
    largest = randomized_response.LARGEST_EPSILON
    few = randomized_response.randomize(bits, largest, _SEED).numpy().sum()
    self.assertLess(few, 5)
    # The least number above 0 that the coins can be compared with is 2**-23.
    self.assertGreater(2**-23, randomized_response.flip_chance(largest))

  def test_the_mean_of_many_debiased_answers_is_the_truth(self):
    epsilon = 0.5
    signs = tf.constant([True, True, False])
    total = np.zeros(3)
    for client in range(4000):
      seed = random_seeds.client_seed(
          0, random_seeds.Purpose.RESPONSE, 0, client
      )
      seen = randomized_response.randomize(signs, epsilon, seed)
      total += 2 * seen.numpy() - 1.0
    mean = total / 4000 * randomized_response.debias_factor(epsilon)
    # A debiased sign has a deviation of about 4: four of the mean's.
    np.testing.assert_allclose(mean, [1, 1, -1], atol=4 * 4 / 4000**0.5)

  def test_one_seed_gives_the_same_bits(self):
    bits = tf.zeros([64], tf.bool)
    one, again, other = (
        randomized_response.randomize(bits, 1.0, tf.constant(seed, tf.int64))
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(one, again)
    self.assertTrue((one.numpy() != other.numpy()).any())


if __name__ == '__main__':
  absltest.main()
