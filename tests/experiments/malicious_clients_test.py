"""Runs in which clients attack, and in which the server defends itself."""

from absl.testing import parameterized
import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.experiments import tiny_experiment
from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import attacks
from tff_hidenseek.runtimes import contexts


def setUpModule():
  tiny_experiment.set_context()


def _start_run(algorithm, cohort_size=1, **changes):
  config = tiny_experiment.make_config(
      algorithm, **{'clients_per_round': 3, **changes}
  )
  return training_run.TrainingRun(
      config,
      tiny_experiment.start_run(config).algorithm,
      tiny_experiment.build_federation(),
      cohort_size,
  )


def _move(algorithm, **changes):
  """Returns how far the first round moves the server's state, as a vector."""
  run = _start_run(algorithm, **changes)

  def read():
    state = run.server_state.algorithm
    leaves = [state['scores']] if algorithm == 'hidenseek' else state
    return np.concatenate([np.ravel(leaf) for leaf in leaves])

  before = read()
  run.train_round(1)
  return read() - before, before


class AttackTest(parameterized.TestCase, tf.test.TestCase):

  def test_votes_against_move_the_scores_back(self):
    honest, scores = _move('hidenseek')
    attacked, _ = _move('hidenseek', malicious_fraction=1.0)
    # All but scores that would leave [-1, 1].
    is_free = np.abs(scores) + np.abs(honest) < 1
    self.assertGreater(is_free.mean(), 0.5)
    self.assertAllClose(attacked[is_free], -honest[is_free], atol=1e-6)

  def test_updates_against_move_the_weights_back_and_further(self):
    honest, _ = _move('fed_avg')
    attacked, _ = _move('fed_avg', malicious_fraction=1.0, attack_scale=2.0)
    self.assertAllClose(attacked, -2 * honest, atol=1e-6)

  def test_one_vote_of_three_counts_a_third(self):
    honest, _ = _move('hidenseek', layer_rates='equal')
    attacked, _ = _move(
        'hidenseek', layer_rates='equal', malicious_fraction=0.3
    )
    difference = np.abs(honest - attacked)
    # The rate is 0.3, and a vote that is turned moves the mean by 2 / 3.
    self.assertLessEqual(difference.max(), 0.2 + 1e-6)
    self.assertGreater(difference.min(), -1e-6)
    self.assertAllClose(np.median(difference), 0.2, atol=1e-6)

  @parameterized.parameters('mean', 'majority')
  def test_sums_that_hide_the_votes_are_attacked_and_defended_alike(
      self, aggregation
  ):
    plain, hidden = (
        _move(
            'hidenseek',
            secure_sum=secure_sum,
            votes_per_round=32,
            clients_per_round=2,  # For whom the shared algorithm is built.
            aggregation=aggregation,
            malicious_fraction=0.7,
            attack='collude',
        )[0]
        for secure_sum in (False, True)
    )
    self.assertAllClose(plain, hidden, atol=1e-6)
    self.assertBetween(np.count_nonzero(plain), 1, 32)

  @parameterized.parameters(
      ('hidenseek', 'collude'), ('fed_avg', 'random'), ('sign_sgd', 'against'),
      ('fed_pm', 'collude'),
  )
  def test_an_attack_changes_the_state_and_no_count(self, algorithm, attack):
    run = _start_run(algorithm, malicious_fraction=0.7, attack=attack)
    honest = _start_run(algorithm)
    rows = [each.train_round(1) for each in (run, honest)]
    for name in ('bytes_up', 'bytes_down', 'clients_counted'):
      self.assertEqual(rows[0][name], rows[1][name])
    states = [
        tf.nest.flatten(each.server_state.algorithm) for each in (run, honest)
    ]
    self.assertFalse(all(np.array_equal(a, b) for a, b in zip(*states)))

  @parameterized.parameters(
      name for name, entry in registry.ALGORITHMS.items()
      if not entry.can_be_attacked
  )
  def test_what_cannot_be_attacked_is_refused(self, algorithm):
    with self.assertRaisesRegex(
        ValueError, f'`malicious_fraction` must be 0 with {algorithm}, .* 0.2'
    ):
      tiny_experiment.make_config(algorithm, malicious_fraction=0.2)
    with self.assertRaisesRegex(ValueError, r'`task.adversary` must .*\(0,\)'):
      training_loop.build_algorithm(
          tiny_experiment.make_config(algorithm),
          tiny_experiment.build_federation(),
          attacks.Adversary((0,)),
      )


  def test_votes_that_do_not_travel_as_bits_are_not_forged(self):
    with self.assertRaisesRegex(
        ValueError, "`upload_coding` must be bits .* found 'entropy'"
    ):
      _start_run('hidenseek', malicious_fraction=0.4, upload_coding='entropy')


class DefenceTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      ('hidenseek', 'trimmed'), ('fed_pm', 'median'), ('fed_avg', 'mean'),
      ('fed_avg', 'median'),
  )
  def test_a_run_in_cohorts_is_the_run_one_by_one(self, algorithm, aggregation):
    runs = [
        _start_run(
            algorithm,
            size,
            aggregation=aggregation,
            trimmed_fraction=0.4,
            malicious_fraction=0.4,
            attack='random',
        )
        for size in (1, 2)
    ]
    for round_num in (1, 2):
      for run in runs:
        run.train_round(round_num)
    for one, two in zip(
        *(tf.nest.flatten(run.server_state.algorithm) for run in runs)
    ):
      self.assertAllClose(one, two, rtol=1e-5, atol=1e-6)

  @parameterized.parameters(
      ('hidenseek', 'majority'), ('fed_avg', 'trimmed'), ('fed_avg', 'clipped')
  )
  def test_goes_on_with_the_same_bits(self, algorithm, aggregation):
    options = dict(
        aggregation=aggregation, malicious_fraction=0.4, attack='random'
    )
    run = _start_run(algorithm, **options)
    run.train_round(1)
    saved = run.to_checkpoint()
    other = _start_run(algorithm, **options)
    tf.nest.assert_same_structure(saved, other.to_checkpoint())
    other.from_checkpoint(saved)
    self.assertEqual(*[each.train_round(2) for each in (run, other)])
    for one, two in zip(
        *(tf.nest.flatten(each.to_checkpoint()) for each in (run, other))
    ):
      self.assertAllEqual(one, two)

  def test_the_worker_gives_what_this_process_gives(self):
    states = []
    for runtime in ('in_process', 'worker'):
      context = contexts.RUNTIMES[runtime](contexts.RuntimeOptions())
      with tff.framework.get_context_stack().install(context):
        run = _start_run(
            'fed_avg',
            aggregation='median',
            malicious_fraction=0.4,
            attack='collude',
        )
        run.train_round(1)
        states.append(run.server_state.algorithm)
    self.assertAllClose(*states, atol=1e-6)

  def test_a_median_of_equal_clients_is_their_mean(self):
    dense, _ = _move('fed_avg', clients_per_round=1)
    for aggregation in ('median', 'trimmed'):
      self.assertAllClose(
          _move('fed_avg', clients_per_round=1, aggregation=aggregation)[0],
          dense,
      )

  def test_a_majority_moves_scores_by_the_whole_rate(self):
    move, scores = _move('hidenseek', layer_rates='equal', aggregation='median')
    expected = np.minimum(0.3, 1 - np.sign(move) * scores)
    self.assertAllClose(np.abs(move), expected, atol=1e-6)

  def test_only_who_has_an_aggregation_can_choose_another(self):
    with self.assertRaisesRegex(
        ValueError, '`aggregation` must be an option of fed_mask, found one of '
        'hidenseek'
    ):
      tiny_experiment.make_config('fed_mask', aggregation='median')
    self.assertEqual(
        {
            name for name, entry in registry.ALGORITHMS.items()
            if 'aggregation' in attrs.fields_dict(entry.options_class)
        },
        {'hidenseek', 'fed_avg', 'sign_sgd', 'fed_pm'},
    )


if __name__ == '__main__':
  tf.test.main()
