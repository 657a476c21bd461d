from absl.testing import absltest
import numpy as np
import tensorflow as tf

from tff_hidenseek.privacy import discrete_gaussian

_SEED = tf.constant([3, 5], tf.int64)


def _sample(scale, size, seed=_SEED):
  return discrete_gaussian.sample(scale, tf.constant([size]), seed).numpy()


class DiscreteGaussianTest(absltest.TestCase):

  def test_draws_whole_numbers_with_their_chances(self):
    size = 200_000
    drawn = _sample(1.0, size)
    np.testing.assert_array_equal(drawn, np.round(drawn))
    weights = {x: np.exp(-(x**2) / 2) for x in range(-9, 10)}
    total = sum(weights.values())
    for x in range(-3, 4):
      chance = weights[x] / total
      self.assertAlmostEqual(
          np.mean(drawn == x), chance,
          delta=5 * (chance * (1 - chance) / size) ** 0.5)

  def test_has_the_standard_deviation_it_is_asked_for(self):
    for scale in (0.7, 2.5, 400.0):
      drawn = _sample(scale, 100_000)
      self.assertAlmostEqual(drawn.mean() / scale, 0, delta=0.02)
      # Below 1, sigma is more than the standard deviation.
      expected = scale if scale > 1 else 0.695
      self.assertAlmostEqual(drawn.std() / expected, 1, delta=0.015)

  def test_one_seed_gives_the_same_draws(self):
    np.testing.assert_array_equal(_sample(9.0, 50), _sample(9.0, 50))
    other = _sample(9.0, 50, tf.constant([3, 6], tf.int64))
    self.assertLess(np.mean(_sample(9.0, 50) == other), 0.5)


if __name__ == '__main__':
  absltest.main()
