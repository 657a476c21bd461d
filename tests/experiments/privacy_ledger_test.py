"""What runs report of the privacy that they spend."""

import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tree

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import privacy_ledger
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import client_sampling
from tff_hidenseek.privacy import accounting

_DELTA = 1e-5
# One tiny run for each way to be private.
_PRIVATE = (
    ('hidenseek', dict(vote_epsilon=0.5, votes_per_round=9)),
    ('hidenseek', dict(vote_epsilon=0.5, secure_sum=True, votes='signs')),
    ('hidenseek', dict(noise_multiplier=1.0, secure_sum=True)),
    ('hidenseek', dict(target_epsilon=4.0, votes='stochastic_signs')),
    ('hidenseek', dict(noise_multiplier=1.0, aggregation='majority')),
    ('hidenseek', dict(votes_per_round=32, upload_coding='entropy')),
    ('hidenseek', dict(secure_sum=True, aggregation='trimmed')),
    ('fed_avg', dict(noise_multiplier=1.0, clip_norm=0.5)),
)


def setUpModule():
  tiny_experiment.set_context()


@functools.lru_cache(maxsize=None)
def _build(config):
  return training_loop.build_algorithm(
      config, tiny_experiment.build_federation()
  )


def _start(algorithm, cohort_size=1, **changes):
  config = tiny_experiment.make_config(algorithm, **changes)
  return training_run.TrainingRun(
      config, _build(config), tiny_experiment.build_federation(), cohort_size
  )


def _get_bits(run):
  return [
      np.asarray(leaf).tobytes()
      for leaf in tree.flatten(run.to_checkpoint()['server_state'])
  ]


class PrivateRunsTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_PRIVATE)
  def test_cohorts_and_a_run_that_goes_on_have_the_same_bits(
      self, algorithm, options
  ):
    one_by_one, in_cohorts, resumed = (
        _start(algorithm, size, **options) for size in (1, 2, 1)
    )
    for run in (one_by_one, in_cohorts):
      rows = [run.train_round(round_num) for round_num in (1, 2)]
    if algorithm == 'hidenseek':  # FedAvg's are sums of floats.
      self.assertEqual(_get_bits(one_by_one), _get_bits(in_cohorts))
    begun = _start(algorithm, **options)
    begun.train_round(1)
    manager = checkpoints.CheckpointManager(self.create_tempdir().full_path)
    manager.save(1, begun.to_checkpoint())
    self.assertEqual(training_loop.restore(resumed, manager), 1)
    row = resumed.train_round(2)
    self.assertEqual(_get_bits(one_by_one), _get_bits(resumed))
    self.assertEqual(row.get('epsilon'), rows[1].get('epsilon'))

  def test_a_secure_sum_changes_the_bytes_and_nothing_else(self):
    plain, secure = (
        _start('hidenseek', secure_sum=is_secure)
        for is_secure in (False, True)
    )
    up = [run.train_round(1)['bytes_up'] for run in (plain, secure)]
    # Two clients with 64 votes each: of one bit, and of two for sums up to 2.
    self.assertEqual(up, [2 * 8, 2 * 16])
    self.assertEqual(_get_bits(plain), _get_bits(secure))

  def test_private_layers_stay_out_of_the_ballot(self):
    run = _start(
        'hidenseek',
        model='mlp',
        private_layers='logits',
        density=0.01,
        vote_epsilon=1.0,
        votes_per_round=20,
    )
    self.assertEqual(run.train_round(1)['bytes_up'], 2 * 3)


class LedgerTest(parameterized.TestCase):

  def test_local_privacy_is_that_of_who_votes_the_most_often(self):
    run = _start('hidenseek', vote_epsilon=0.5, votes_per_round=9)
    self.assertEqual(run.algorithm.mechanism,
                     accounting.RandomizedVotes(0.5, 9))
    # Two of three clients vote in each round: the second time one votes again.
    epsilons = [run.ledger.epsilon(round_num) for round_num in (1, 2)]
    self.assertEqual(
        epsilons,
        [run.algorithm.mechanism.epsilon(n, _DELTA) for n in (1, 2)],
    )

  def test_central_privacy_counts_the_rounds_of_all(self):
    run = _start('fed_avg', noise_multiplier=3.0)
    sampling = client_sampling.ClientSampling(
        num_clients=3, clients_per_round=2
    )
    expected = accounting.NoisedSums(3.0, sampling).epsilon(2, _DELTA)
    self.assertEqual(run.ledger.epsilon(2), expected)
    lines = '\n'.join(run.ledger.describe())
    self.assertIn(f'{expected:.4g} after 2', lines)
    self.assertNotIn('warning', lines)

  def test_warns_of_a_delta_at_which_a_client_may_be_given_away(self):
    run = _start('fed_avg', noise_multiplier=3.0, target_delta=0.1)
    self.assertNotIn('warning', '\n'.join(run.ledger.describe()))
    sampling = client_sampling.ClientSampling(
        num_clients=10, clients_per_round=2
    )
    ledger = privacy_ledger.PrivacyLedger(
        tiny_experiment.make_config('fed_avg', target_delta=0.1),
        accounting.NoisedSums(3.0, sampling),
        draw=None,
    )
    self.assertIn(
        'warning: `target_delta` should be well below 1 / 10 clients',
        ledger.describe()[-1],
    )

  def test_the_noise_of_a_target_spends_it_in_the_last_round(self):
    run = _start('hidenseek', target_epsilon=4.0, num_rounds=5)
    self.assertBetween(run.ledger.epsilon(5), 0.97 * 4, 4)

  def test_poisson_sampling_is_told_to_the_accounts(self):
    config = tiny_experiment.make_config(client_sampling='poisson')
    sampling = privacy_ledger.describe_sampling(
        config, tiny_experiment.build_federation()
    )
    self.assertEqual(
        sampling,
        client_sampling.ClientSampling(
            num_clients=3, clients_per_round=2, is_poisson=True
        ),
    )

  def test_a_run_without_privacy_reports_none(self):
    run = _start('hidenseek')
    self.assertIsNone(run.ledger.epsilon(1))
    self.assertEqual(run.ledger.describe(), [])

  @parameterized.parameters('sign_sgd', 'fed_mask', 'ssfl')
  def test_other_algorithms_refuse_the_options(self, algorithm):
    for name, value in (('target_epsilon', 1.0), ('vote_epsilon', 1.0)):
      with self.assertRaisesRegex(
          ValueError, f'`{name}` must be an option of {algorithm}, found one of'
      ):
        tiny_experiment.make_config(algorithm, **{name: value})


if __name__ == '__main__':
  tf.test.main()
