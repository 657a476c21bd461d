import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.experiments import tiny_experiment
from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import participation
from tff_hidenseek.runtimes import contexts


def setUpModule():
  tiny_experiment.set_context()


def _start_run(algorithm='hidenseek', **changes):
  return tiny_experiment.start_run(
      tiny_experiment.make_config(algorithm, **changes)
  )


class TrainRoundTest(tf.test.TestCase):

  def test_bytes_add_up(self):
    run = _start_run()
    first, second = (run.train_round(round_num) for round_num in (1, 2))
    for row in (first, second):
      # 64 votes of one bit, from each of two clients.
      self.assertEqual(row['bytes_up'], 2 * 8)
      self.assertAlmostEqual(row['bits_per_weight_up'], 0.1)
      self.assertAlmostEqual(
          row['bits_per_weight_down'], 8 * row['bytes_down'] / 2 / 640
      )
    for way in ('up', 'down'):
      total = first[f'bytes_{way}'] + second[f'bytes_{way}']
      self.assertEqual(second[f'total_bytes_{way}'], total)

  def test_a_client_is_sent_the_seed_and_the_mask_s_hash_once(self):
    # 64 scores of four bits (the tally) and the round's number.
    each_round = 32 + 4
    run = _start_run(clients_per_round=3)
    down = [run.train_round(i)['bytes_down'] for i in (1, 2)]
    self.assertEqual(down, [3 * (each_round + 8 + 32), 3 * each_round])


class UnreliableClientsTest(parameterized.TestCase, tf.test.TestCase):
  """Of three clients a round, half drop out."""

  def _start(self, algorithm='hidenseek', **changes):
    return _start_run(
        algorithm, clients_per_round=3, dropout_rate=0.5, **changes
    )

  def _build_draw_fn(self):
    config = tiny_experiment.make_config(clients_per_round=3, dropout_rate=0.5)
    return participation.build_draw_fn([0, 1, 2], config, config.seed)

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_every_algorithm_counts_those_who_answer(self, algorithm):
    run = self._start(algorithm)
    for round_num in range(1, 5):
      before = tf.nest.flatten(run.to_checkpoint()['server_state'])
      row = run.train_round(round_num)
      self.assertEqual(row['clients_drawn'], 3)
      self.assertEqual(row['clients_counted'], 3 - row['clients_dropped'])
      after = tf.nest.flatten(run.to_checkpoint()['server_state'])
      is_kept = all(np.array_equal(a, b) for a, b in zip(before, after))
      self.assertEqual(is_kept, row['clients_counted'] == 0)
      self.assertEqual('train_loss' in row, row['clients_counted'] > 0)

  def test_bytes_down_are_of_all_and_bytes_up_of_the_counted(self):
    run = self._start()
    for round_num in range(1, 5):
      row = run.train_round(round_num)
      # The tally and the round's number; and once the seed and a hash.
      setup = 8 + 32 if round_num == 1 else 0
      self.assertEqual(row['bytes_down'], 3 * (32 + 4 + setup))
      self.assertEqual(row['bytes_up'], 8 * row['clients_counted'])

  @parameterized.parameters('fed_mask', 'lottery_fl')
  def test_a_lost_client_keeps_its_state(self, algorithm):
    run = self._start(algorithm)
    draw = self._build_draw_fn()
    num_kept = 0
    for round_num in range(1, 7):
      before = dict(run.client_states)
      run.train_round(round_num)
      for client_id in draw(round_num).lost:
        if client_id in before:
          num_kept += 1
          self.assertIs(run.client_states[client_id], before[client_id])
        else:
          self.assertNotIn(client_id, run.client_states)
    self.assertGreater(num_kept, 0)

  def test_a_lost_client_is_sent_what_its_state_asks_for(self):
    # A client of FedMask that has pruned is sent its own half of the tally.
    run = self._start('fed_mask')
    rows = [run.train_round(round_num) for round_num in range(1, 7)]
    sizes = {320: 320 + 4, 160: 160 + 4}
    self.assertEqual(rows[0]['bytes_down'], 3 * (sizes[320] + 8))
    has_pruned = set()
    draw = self._build_draw_fn()
    for round_num, row in enumerate(rows, 1):
      down = sum(
          sizes[160 if i in has_pruned else 320] for i in range(3)
      )
      self.assertEqual(row['bytes_down'] - 24 * (round_num == 1), down)
      has_pruned.update(draw(round_num).counted)

  def test_a_round_without_an_answer_is_told(self):
    run = _start_run(round_timeout=1e-9)
    with self.assertLogs(level='WARNING') as logs:
      row = run.train_round(1)
    self.assertRegex(logs.output[0], 'Round 1: none of 2 clients answered')
    self.assertEqual(row['clients_late'], 2)
    self.assertEqual(row['bytes_up'], 0)
    self.assertNotIn('bits_per_weight_up', row)
    self.assertEqual(row['simulated_duration'], 1e-9)


class EvaluationTest(tf.test.TestCase):

  def test_global_accuracy_is_over_the_whole_test_split(self):
    run = _start_run('fed_avg')
    run.train_round(1)
    dataset = tiny_experiment.build_federation().dataset
    kernel, bias = run.server_state.algorithm
    x = dataset.test_x.reshape(len(dataset.test_y), -1)
    predicted = (x @ kernel + bias).argmax(axis=1)
    self.assertAlmostEqual(
        run.global_accuracy(), (predicted == dataset.test_y).mean()
    )

  def test_personal_models_learn_their_clients_data(self):
    run = _start_run('fed_avg')
    for round_num in range(1, 21):
      run.train_round(round_num)
    accuracies = run.personal_accuracies()
    self.assertEqual(sorted(accuracies), [0, 1, 2, 3])
    self.assertGreater(np.mean(list(accuracies.values())), 0.5)

  def test_evaluation_leaves_the_run_as_it_is(self):
    run = _start_run(model='mlp', private_layers='logits')
    run.train_round(1)
    before = tf.nest.flatten(run.to_checkpoint())
    run.global_accuracy()
    run.personal_accuracies()
    for got, leaf in zip(tf.nest.flatten(run.to_checkpoint()), before):
      self.assertAllEqual(got, leaf)


class CheckpointTest(parameterized.TestCase, tf.test.TestCase):

  def _assert_goes_on(self, algorithm, **changes):
    """Asserts that a run goes on from a checkpoint with the same bits."""
    run = _start_run(algorithm, **changes)
    run.train_round(1)
    run.train_round(2)
    saved = run.to_checkpoint()
    other = _start_run(algorithm, **changes)
    tf.nest.assert_same_structure(saved, other.to_checkpoint())
    other.from_checkpoint(saved)
    rows = [each.train_round(3) for each in (run, other)]
    self.assertEqual(*rows)
    self.assertTrue(math.isfinite(rows[0]['train_loss']))
    self.assertEqual(run.personal_accuracies(), other.personal_accuracies())
    for got, leaf in zip(
        tf.nest.flatten(other.to_checkpoint()),
        tf.nest.flatten(run.to_checkpoint()),
    ):
      self.assertEqual(np.asarray(got).dtype, np.asarray(leaf).dtype)
      self.assertAllEqual(got, leaf)

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_goes_on_with_the_same_bits(self, algorithm):
    self._assert_goes_on(algorithm)

  def test_goes_on_with_what_clients_keep(self):
    self._assert_goes_on('hidenseek', model='mlp', private_layers='logits')

  @parameterized.parameters('hidenseek', 'fed_mask')
  def test_goes_on_with_unreliable_clients(self, algorithm):
    self._assert_goes_on(
        algorithm,
        clients_per_round=2,
        over_selection=0.5,
        dropout_rate=0.2,
        straggler_rate=0.5,
        round_timeout=3.0,
    )

  def test_clients_that_never_took_part_keep_nothing(self):
    run = _start_run(model='mlp', private_layers='logits')
    self.assertEmpty(run.to_checkpoint()['client_ids'])
    run.train_round(1)
    self.assertLen(run.to_checkpoint()['client_ids'], 2)
    self.assertEqual(run.served_clients.sum(), 2)


class RuntimesTest(parameterized.TestCase, tf.test.TestCase):

  def _run(self, runtime, changes=None, **options):
    """Returns the rows, accuracies and scores of a run in a runtime."""
    context = contexts.RUNTIMES[runtime](contexts.RuntimeOptions(**options))
    with tff.framework.get_context_stack().install(context):
      run = _start_run(weight_by_examples=True, **changes or {})
      rows = [run.train_round(round_num) for round_num in (1, 2)]
      accuracies = [run.global_accuracy(), run.personal_accuracies()]
      return rows, accuracies, run.server_state.algorithm['scores']

  def test_one_thread_and_two_give_the_same_bits(self):
    one, two = (
        self._run('in_process', client_threads=count) for count in (1, 2)
    )
    self.assertEqual(one[:2], two[:2])
    self.assertAllEqual(one[2], two[2])

  @parameterized.parameters(
      {},
      dict(clients_per_round=3, dropout_rate=0.3, round_timeout=3.0),
  )
  def test_the_worker_gives_what_this_process_gives(self, **changes):
    rows, accuracies, scores = self._run('in_process', changes)
    other_rows, other_accuracies, other_scores = self._run('worker', changes)
    self.assertEqual(accuracies, other_accuracies)
    self.assertAllClose(scores, other_scores, rtol=0, atol=1e-6)
    for row, other in zip(rows, other_rows):
      self.assertAllClose(row.pop('train_loss'), other.pop('train_loss'))
      self.assertEqual(row, other)


if __name__ == '__main__':
  tf.test.main()
