import unittest

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import boundary
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.runtimes import in_process


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _pack(*votes):
  """Packs votes -1 and +1 with NumPy."""
  return np.packbits(np.array(votes) > 0, bitorder='little')


class CastVotesTest(tf.test.TestCase):

  def test_what_is_cast_is_read_at_every_length(self):
    for num_votes in range(1, 40):
      scores = np.random.default_rng(num_votes).normal(size=num_votes)
      packed = sign_votes.cast_votes(tf.constant(scores, tf.float32))
      self.assertEqual(packed.dtype, tf.uint8)
      self.assertEqual(packed.shape, [-(-num_votes // 8)])
      self.assertAllEqual(
          sign_votes.read_votes(packed, num_votes), np.sign(scores)
      )

  def test_a_score_of_zero_votes_plus_one(self):
    packed = sign_votes.cast_votes(tf.constant([-1e-30, -0.0, 0.0, 1e-30]))
    self.assertAllEqual(sign_votes.read_votes(packed, 4), [-1, 1, 1, 1])

  def test_stochastic_votes_are_unbiased(self):
    num_votes = 40_000
    for score in (-0.9, -0.5, 0.0, 0.25, 0.99):
      packed = sign_votes.cast_votes(
          tf.fill([num_votes], score), tf.constant([3, 5])
      )
      votes = sign_votes.read_votes(packed, num_votes)
      deviation = np.sqrt((1 - score**2) / num_votes)
      self.assertAllClose(
          tf.reduce_mean(votes), score, rtol=0, atol=4 * deviation
      )

  def test_stochastic_votes_are_certain_from_one_on(self):
    scores = tf.constant([-1.0, 1.0, -7.0, 7.0] * 1000)
    packed = sign_votes.cast_votes(scores, tf.constant([3, 5]))
    self.assertAllEqual(
        sign_votes.read_votes(packed, 4000), [-1, 1, -1, 1] * 1000
    )

  def test_stochastic_votes_depend_on_the_seed_alone(self):
    scores = tf.zeros([800])
    first, second, other = (
        sign_votes.cast_votes(scores, tf.constant(seed)).numpy().tobytes()
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    self.assertEqual(first, second)
    self.assertNotEqual(first, other)


class FactoryTypesTest(unittest.TestCase):

  def test_a_vote_is_one_bit_up(self):
    for num_votes, num_bytes in ((1, 1), (8, 1), (9, 2), (42_141, 5268)):
      value_type = sign_votes.packed_votes_type(num_votes)
      self.assertEqual(value_type, tff.TensorType(np.uint8, [num_bytes]))
      process = sign_votes.UnweightedSignVoteMeanFactory(num_votes).create(
          value_type
      )
      self.assertEqual(boundary.find_crossing(process.next).up, [value_type])

  def test_a_coded_vote_is_half_a_bit_up(self):
    for num_votes, num_bytes in ((1, 1), (16, 1), (17, 2), (42_141, 2634)):
      value_type = tff.TensorType(np.uint8, [num_bytes])
      process = sign_votes.UnweightedSignVoteMeanFactory(
          num_votes, 'entropy'
      ).create(value_type)
      self.assertEqual(boundary.find_crossing(process.next).up, [value_type])

  def test_the_mean_vote_is_float32(self):
    process = sign_votes.SignVoteMeanFactory(9).create(
        tff.TensorType(np.uint8, [2]), tff.TensorType(np.float32)
    )
    result = process.next.type_signature.result
    self.assertEqual(
        result.result,
        tff.FederatedType(tff.TensorType(np.float32, [9]), tff.SERVER),
    )
    self.assertTrue(process.is_weighted)

  def test_only_the_weighted_mean_is_weighted(self):
    process = sign_votes.UnweightedSignVoteMeanFactory(9).create(
        tff.TensorType(np.uint8, [2])
    )
    self.assertFalse(process.is_weighted)

  def test_raises_on_another_value_type(self):
    factory = sign_votes.UnweightedSignVoteMeanFactory(9)
    for wrong in (
        tff.TensorType(np.uint8, [3]),
        tff.TensorType(np.int8, [2]),
        tff.to_type([tff.TensorType(np.uint8, [2])]),
    ):
      with self.assertRaisesRegex(
          TypeError, r'`value_type` must be uint8\[2\] for 9 votes, found'
      ):
        factory.create(wrong)


class FactoryExecutionTest(tf.test.TestCase):

  def _mean(self, votes, weights=None, weight_dtype=np.float32):
    value_type = sign_votes.packed_votes_type(3)
    if weights is None:
      process = sign_votes.UnweightedSignVoteMeanFactory(3).create(value_type)
      output = process.next(process.initialize(), votes)
    else:
      process = sign_votes.SignVoteMeanFactory(3).create(
          value_type, tff.TensorType(weight_dtype)
      )
      output = process.next(process.initialize(), votes, weights)
    self.assertEqual(output.state, ())
    return output.result

  def test_averages_with_equal_weights(self):
    votes = [_pack(1, 1, -1), _pack(1, -1, -1), _pack(1, 1, 1)]
    self.assertAllClose(self._mean(votes), [1, 1 / 3, -1 / 3])

  def test_averages_codewords(self):
    process = sign_votes.UnweightedSignVoteMeanFactory(3, 'entropy').create(
        tff.TensorType(np.uint8, [1])
    )
    # Words 0 and 1 start with -1 -1 -1; the first digit of 64 is 1, or -1 +1.
    output = process.next(
        process.initialize(), [np.array([x], np.uint8) for x in (0, 1, 64)]
    )
    self.assertAllClose(output.result, [-1, -1 / 3, -1])

  def test_averages_with_weights(self):
    votes = [_pack(1, 1, -1), _pack(-1, 1, 1)]
    self.assertAllClose(self._mean(votes, [3.0, 1.0]), [0.5, 1, -0.5])

  def test_takes_whole_numbered_weights(self):
    votes = [_pack(1, 1, -1), _pack(-1, 1, 1)]
    mean = self._mean(votes, [3, 1], weight_dtype=np.int32)
    self.assertAllClose(mean, [0.5, 1, -0.5])

  def test_the_mean_of_no_weight_is_zero(self):
    votes = [_pack(1, 1, -1), _pack(-1, 1, 1)]
    self.assertAllEqual(self._mean(votes, [0.0, 0.0]), [0, 0, 0])

  def test_the_mean_of_no_client_is_zero(self):
    self.assertAllEqual(self._mean([]), [0, 0, 0])

  def test_counts_clients_in_any_order_to_the_same_bits(self):
    rng = np.random.default_rng(0)
    votes = [_pack(*rng.choice([-1, 1], 3)) for _ in range(20)]
    weights = rng.integers(1, 10**5, 20).astype(np.float32)
    order = rng.permutation(20)
    self.assertAllEqual(
        self._mean(votes, list(weights)),
        self._mean([votes[i] for i in order], list(weights[order])),
    )


if __name__ == '__main__':
  tf.test.main()
