"""Ballots: subsets, randomised votes, noise, and secure sums of them."""

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import tiny_task
from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.algorithms.hidenseek import ballot as ballot_lib
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.learning import client_sampling
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.privacy import randomized_response
from tff_hidenseek.runtimes import contexts

_SAMPLING = client_sampling.ClientSampling(num_clients=9, clients_per_round=4)


def setUpModule():
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions(client_threads=2))
  )


def _make_task(seed=0, sampling=_SAMPLING):
  return federated_algorithm.LearningTask(
      tiny_task.build_linear,
      tiny_task.INPUT_SHAPE,
      tiny_task.NUM_CLASSES,
      seed,
      sampling=sampling,
  )


def _build(num_scores=100, seed=0, sampling=_SAMPLING, **options):
  return ballot_lib.Ballot(
      num_scores,
      hidenseek_options.HideNSeekOptions(**options),
      _make_task(seed, sampling),
  )


def _vote(ballot, scores, client_id):
  seed = random_seeds.client_seed(0, random_seeds.Purpose.VOTE, 0, client_id)
  return ballot.fill_in(scores, seed, tf.constant(0))


class ChooseTest(absltest.TestCase):

  def test_all_scores_are_voted_on_by_default(self):
    ballot = _build()
    self.assertIsNone(ballot.choose(tf.constant(3)))
    self.assertEqual(ballot.num_votes, 100)

  def test_a_round_has_a_subset_of_its_own_and_each_score_its_turn(self):
    ballot = _build(votes_per_round=10)
    counts = np.zeros(100, int)
    for round_num in range(200):
      chosen = ballot.choose(tf.constant(round_num)).numpy()
      self.assertLen(set(chosen), 10)
      np.testing.assert_array_equal(chosen, np.sort(chosen))
      counts[chosen] += 1
    # Of 200 coins of chance 0.1: 20, with a deviation of 4.2.
    self.assertBetween(counts.min(), 5, 19)
    self.assertBetween(counts.max(), 21, 41)

  def test_the_subset_is_from_the_seed_and_the_round_alone(self):
    one, again, other_seed = (
        _build(votes_per_round=10, seed=seed).choose(tf.constant(1)).numpy()
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    self.assertFalse(np.array_equal(one, other_seed))

  def test_raises_on_more_votes_than_scores(self):
    with self.assertRaisesRegex(
        ValueError, '`votes_per_round` must be at most the 100 .*found 101'
    ):
      _build(votes_per_round=101)


class FillInTest(absltest.TestCase):

  def test_only_chosen_votes_travel(self):
    ballot = _build(votes_per_round=10, votes='signs')
    scores = tf.constant(np.tile([1.0, -1.0], 50), tf.float32)
    upload = _vote(ballot, scores, 0).numpy()
    self.assertEqual((upload.dtype, upload.size), (np.uint8, 2))
    bits = np.unpackbits(upload, count=10, bitorder='little')
    chosen = ballot.choose(tf.constant(0)).numpy()
    np.testing.assert_array_equal(bits, chosen % 2 == 0)

  def test_bits_are_flipped_with_the_chance_of_epsilon(self):
    ballot = _build(10_000, vote_epsilon=np.log(3), votes='signs')
    upload = _vote(ballot, tf.ones([10_000]), 0).numpy()
    bits = np.unpackbits(upload, count=10_000, bitorder='little')
    self.assertBetween(bits.mean(), 0.75 - 0.022, 0.75 + 0.022)

  def test_a_secure_vote_takes_the_bits_of_the_count(self):
    # Up to four clients: five sums, of three bits.
    ballot = _build(100, secure_sum=True)
    self.assertEqual(_vote(ballot, tf.ones([100]), 0).shape, [-(-300 // 8)])

  def test_poisson_sampling_may_draw_everybody(self):
    sampling = client_sampling.ClientSampling(
        num_clients=9, clients_per_round=4, is_poisson=True
    )
    ballot = _build(8, sampling=sampling, secure_sum=True)
    self.assertEqual(_vote(ballot, tf.ones([8]), 0).shape, [4])

  def test_raises_where_nothing_is_known_of_the_clients(self):
    for options in (dict(secure_sum=True), dict(noise_multiplier=1.0)):
      with self.assertRaisesRegex(ValueError, '`task.sampling` must say'):
        _build(sampling=None, **options)


class TargetTest(absltest.TestCase):

  def test_raises_on_a_target_whose_noise_is_not_found(self):
    for build, options in (
        (hidenseek.build_hidenseek, hidenseek_options.HideNSeekOptions),
        (fed_avg.build_fed_avg, fed_avg.FedAvgOptions),
    ):
      with self.assertRaisesRegex(
          ValueError, '`target_epsilon` must be 0 where an algorithm is built'
      ):
        build(_make_task(), options(target_epsilon=1.0))


class AggregationTest(parameterized.TestCase):

  def _aggregate(self, ballot, uploads):
    process = ballot.build_aggregation().create(
        tff.TensorType(np.uint8, uploads[0].shape)
    )
    return process.next(process.initialize(), uploads).result

  @parameterized.parameters(False, True)
  def test_debiased_means_are_those_of_the_votes(self, is_secure):
    epsilon, num_clients = 1.0, 300
    ballot = _build(
        4,
        votes='signs',
        vote_epsilon=epsilon,
        secure_sum=is_secure,
        sampling=client_sampling.ClientSampling(
            num_clients=num_clients, clients_per_round=num_clients
        ),
    )
    scores = tf.constant([1.0, -1.0, 1.0, -1.0])
    uploads = [_vote(ballot, scores, i).numpy() for i in range(num_clients)]
    mean = self._aggregate(ballot, uploads)
    debiased = mean * randomized_response.debias_factor(epsilon)
    # A debiased sign has a deviation of at most 1 / tanh(1 / 2) = 2.16.
    np.testing.assert_allclose(
        debiased, scores, atol=4 * 2.16 / num_clients**0.5
    )

  def test_noise_has_the_norm_of_a_clients_votes_times_the_multiplier(self):
    size = 10_000
    ballot = _build(size, votes='signs', noise_multiplier=1.5)
    upload = _vote(ballot, tf.ones([size]), 0).numpy()
    mean = self._aggregate(ballot, [upload] * 3)
    # Three of the four that were expected voted +1.
    self.assertAlmostEqual(mean.mean(), 3 / 4, delta=2)
    self.assertAlmostEqual(mean.std() / (1.5 * 100 / 4), 1, delta=0.03)
    # Noise and votes are whole numbers.
    np.testing.assert_array_equal(4 * mean, np.round(4 * mean))


class UpdateStateTest(absltest.TestCase):

  def _update(self, mean, chosen, **options):
    state = dict(
        scores=tf.constant([0.5, 0.5, 0.5]),
        average=tf.zeros([3]),
        num_rounds=tf.constant(0.0),
    )
    return hidenseek.update_state(
        state,
        tf.constant(mean),
        1.0,
        hidenseek_options.HideNSeekOptions(
            server_learning_rate=0.5, **options
        ),
        None if chosen is None else tf.constant(chosen),
    )['scores'].numpy()

  def test_only_scores_that_were_voted_on_move(self):
    for votes, expected in (
        ('moves', [0.0, 0.5, 0.7]), ('signs', [-0.25, 0.5, 0.45])):
      scores = self._update([-1.0, 0.4], [0, 2], votes=votes)
      np.testing.assert_allclose(scores, expected, rtol=1e-6)


class RefinementTest(absltest.TestCase):

  def _refine(self, mean, **options):
    refine = _build(vote_epsilon=np.log(3), **options).build_refinement()
    return refine(tf.constant(mean), tf.constant(5.0)).numpy()

  def test_randomised_votes_are_debiased(self):
    # One bit in four is flipped: a mean of 0.1 stands for 0.2.
    refined = self._refine([0.1, 0.0, -0.8])
    np.testing.assert_allclose(refined, [0.2, 0.0, -1.6], rtol=1e-6)

  def test_a_robust_rule_sees_the_debiased_mean(self):
    refined = self._refine([0.1, 0.0, -0.8], aggregation='majority')
    np.testing.assert_array_equal(refined, [1, 0, -1])
    # One of five is left out at either end: the mean is of three.
    refined = self._refine([0.15, 0.0, -0.8], aggregation='trimmed')
    np.testing.assert_allclose(refined, [0.5, 0.0, -1.0], rtol=1e-6)

  def test_there_is_none_by_default(self):
    self.assertIsNone(_build().build_refinement())


class HalfBitTest(absltest.TestCase):

  def test_half_bits_are_of_the_votes_of_the_round(self):
    ballot = _build(100, votes_per_round=32, upload_coding='entropy')
    upload = _vote(ballot, tf.ones([100]), 0)
    # Sixteen votes in a byte.
    self.assertEqual(upload.shape, [2])


if __name__ == '__main__':
  absltest.main()
