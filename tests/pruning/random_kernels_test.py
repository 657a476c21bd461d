"""Tests for random_kernels."""

import math

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np

from tff_hidenseek.pruning import random_kernels

_SHAPES = {'conv1': (3, 3, 16, 32), 'dense1': (400, 50)}


class DrawKernelsTest(parameterized.TestCase):

  @parameterized.parameters('ternary', 'gaussian')
  def test_variance_is_two_over_fan_in(self, distribution):
    kernels = random_kernels.draw_kernels(_SHAPES, 3, distribution)
    for name, kernel in kernels.items():
      self.assertEqual(kernel.shape, _SHAPES[name])
      self.assertEqual(kernel.dtype, np.float64)
      fan_in = math.prod(kernel.shape[:-1])
      self.assertAlmostEqual(kernel.var() * fan_in, 2, delta=0.1)
      self.assertAlmostEqual(kernel.mean() * math.sqrt(fan_in), 0, delta=0.05)
      self.assertTrue(np.all(kernel != 0))

  def test_first_numbers_never_change(self):
    shapes = {'a': (1, 2), 'b': (6, 1)}
    kernels = random_kernels.draw_kernels(shapes, 1, 'ternary')
    self.assertEqual(
        [value.hex() for value in kernels['a'].ravel()],
        ['0x1.7cb768418bab7p-1', '0x1.0a19817fce42bp+1'],
    )
    self.assertEqual(kernels['b'][0, 0].hex(), '0x1.33d1b1836b497p-4')

  def test_follow_from_the_words_of_philox(self):
    # sqrt(6 / fan_in) times the high bits, with the sign of the last bit.
    word = int(np.random.Philox(key=np.array([7, 0], np.uint64)).random_raw())
    sign = 1 if word % 2 else -1
    magnitude = ((word >> 12) + 0.5) / 2**52
    [[value]] = random_kernels.draw_kernels({'a': (1, 1)}, 7, 'ternary')['a']
    self.assertAlmostEqual(value, sign * math.sqrt(6) * magnitude, places=15)

  @parameterized.parameters('ternary', 'gaussian')
  def test_every_layer_and_seed_has_its_own_stream(self, distribution):
    shapes = {'a': (1, 50), 'b': (1, 50)}
    kernels = [
        random_kernels.draw_kernels(shapes, seed, distribution)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(kernels[0]['a'], kernels[1]['a'])
    values = np.concatenate(
        [k[name].ravel() for k in kernels[1:] for name in shapes]
    )
    self.assertLen(np.unique(values), 200)

  def test_raises_on_unknown_distribution(self):
    with self.assertRaisesRegex(
        ValueError, "`distribution` must be one of .* found 'cauchy'"
    ):
      random_kernels.draw_kernels(_SHAPES, 0, 'cauchy')


class FrozenWeightsTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self._kernels = {'dense1': np.array([[0.5, -0.1], [-0.3, 0.2]])}
    self._masks = {'dense1': np.array([[True, False], [True, False]])}

  def test_ternary_keeps_signs_times_a_snapped_scale(self):
    weights = random_kernels.frozen_weights(
        self._kernels, self._masks, 'ternary', gain=1.0
    )
    # sqrt(2 / (2 * 0.5)) = 1.414, between 127 / 128 and 127 / 64.
    self.assertEqual(weights['dense1'].tolist(), [127 / 128, -127 / 128])
    self.assertEqual(weights['dense1'].dtype, np.float32)

  @parameterized.parameters((1.06, 127 / 64), (0.36, 127 / 256))
  def test_scale_is_snapped_to_the_nearest(self, gain, expected):
    weights = random_kernels.frozen_weights(
        self._kernels, self._masks, 'ternary', gain
    )
    self.assertEqual(weights['dense1'][0], expected)

  def test_scale_is_exact_in_float16_and_times_an_int8(self):
    for gain in np.geomspace(0.01, 10, 50):
      weights = random_kernels.frozen_weights(
          self._kernels, self._masks, 'ternary', gain
      )['dense1']
      self.assertEqual(float(np.float16(weights[0])), float(weights[0]))
      mantissa, _ = math.frexp(weights[0] / 127)
      self.assertEqual(mantissa, 0.5)

  def test_gaussian_keeps_values_and_restores_the_variance(self):
    weights = random_kernels.frozen_weights(
        self._kernels, self._masks, 'gaussian', gain=2.0
    )
    expected = np.array([0.5, -0.3]) * 2 * math.sqrt(2)
    np.testing.assert_allclose(weights['dense1'], expected, rtol=1e-6)

  @parameterized.parameters('ternary', 'gaussian')
  def test_a_pruned_layer_varies_as_much_as_the_dense_one(self, distribution):
    kernels = random_kernels.draw_kernels({'a': (1000, 100)}, 0, distribution)
    rng = np.random.default_rng(0)
    masks = {'a': rng.uniform(size=(1000, 100)) < 0.1}
    weights = random_kernels.frozen_weights(kernels, masks, distribution, 1.0)
    inputs = rng.normal(size=(100, 1000))
    pruned = np.zeros([1000, 100])
    pruned[masks['a']] = weights['a']
    ratio = np.std(inputs @ pruned) / np.std(inputs @ kernels['a'])
    # Snapping the scale moves it by at most a third.
    self.assertBetween(ratio, 2 / 3, 4 / 3)
    if distribution == 'gaussian':
      self.assertAlmostEqual(ratio, 1, delta=0.05)

  @parameterized.parameters(0.0, -1.0, float('nan'))
  def test_raises_on_bad_gain(self, gain):
    with self.assertRaisesRegex(ValueError, '`gain` must be positive, found'):
      random_kernels.frozen_weights(
          self._kernels, self._masks, 'ternary', gain
      )


if __name__ == '__main__':
  absltest.main()
