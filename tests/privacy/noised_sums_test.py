from absl.testing import absltest
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import client_sampling
from tff_hidenseek.privacy import discrete_gaussian
from tff_hidenseek.privacy import noised_sums
from tff_hidenseek.runtimes import contexts

_SAMPLING = client_sampling.ClientSampling(num_clients=9, clients_per_round=4)
_SIZE = 10_000


def setUpModule():
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions(client_threads=2))
  )


def _build(noise, noise_multiplier=3.0, seed=0):
  query = noised_sums.SeededNoiseSumQuery(2.0, noise_multiplier, noise, seed)
  return noised_sums.build_noised_mean(query, _SAMPLING).create(
      tff.TensorType(np.float32, [_SIZE])
  )


class NoisedMeanTest(absltest.TestCase):

  def test_divides_by_the_expected_clients_and_adds_noise_of_its_scale(self):
    for noise in (noised_sums.sample_gaussian, discrete_gaussian.sample):
      process = _build(noise)
      values = [np.full(_SIZE, 3, np.float32), np.full(_SIZE, 5, np.float32)]
      result = process.next(process.initialize(), values).result
      # Two clients came and four were expected: (3 + 5) / 4. The sum's noise
      # has a deviation of 2 * 3.
      self.assertAlmostEqual(result.mean(), 2, delta=0.06)
      self.assertAlmostEqual(result.std(), 6 / 4, delta=0.05)
      if noise is discrete_gaussian.sample:
        np.testing.assert_array_equal(4 * result, np.round(4 * result))

  def test_each_round_has_its_own_noise_and_each_seed(self):
    values = [np.zeros(_SIZE, np.float32)]
    process = _build(noised_sums.sample_gaussian)
    first = process.next(process.initialize(), values)
    second = process.next(first.state, values)
    other = _build(noised_sums.sample_gaussian, seed=1)
    again = process.next(process.initialize(), values)
    np.testing.assert_array_equal(first.result, again.result)
    for result in (
        second.result, other.next(other.initialize(), values).result
    ):
      self.assertLess(abs(np.corrcoef(first.result, result)[0, 1]), 0.05)

  def test_the_worker_draws_the_same_bits(self):
    values = [np.zeros(_SIZE, np.float32)] * 3
    process = _build(discrete_gaussian.sample)
    results = []
    for runtime in ('worker', 'in_process'):
      tff.framework.set_default_context(
          contexts.RUNTIMES[runtime](contexts.RuntimeOptions())
      )
      results.append(process.next(process.initialize(), values).result)
    np.testing.assert_array_equal(*results)

  def test_raises_without_a_sampling(self):
    query = noised_sums.SeededNoiseSumQuery(
        1.0, 1.0, noised_sums.sample_gaussian, 0)
    with self.assertRaisesRegex(ValueError, '`task.sampling` must say'):
      noised_sums.build_noised_mean(query, None)


class ClipTest(absltest.TestCase):

  def test_scales_the_norm_of_all_tensors_down_and_never_up(self):
    record = [tf.constant([3.0]), tf.constant([4.0])]
    np.testing.assert_allclose(noised_sums.clip(record, 1.0), [[0.6], [0.8]])
    np.testing.assert_allclose(noised_sums.clip(record, 6.0), [[3.0], [4.0]])


if __name__ == '__main__':
  absltest.main()
