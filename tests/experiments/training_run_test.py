import math

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.experiments import tiny_experiment
from tff_hidenseek.algorithms import registry
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

  def test_clients_that_never_took_part_keep_nothing(self):
    run = _start_run(model='mlp', private_layers='logits')
    self.assertEmpty(run.to_checkpoint()['client_ids'])
    run.train_round(1)
    self.assertLen(run.to_checkpoint()['client_ids'], 2)
    self.assertEqual(run.served_clients.sum(), 2)


class RuntimesTest(tf.test.TestCase):

  def _run(self, runtime, **options):
    """Returns the rows, accuracies and scores of a run in a runtime."""
    context = contexts.RUNTIMES[runtime](contexts.RuntimeOptions(**options))
    with tff.framework.get_context_stack().install(context):
      run = _start_run(votes='moves', weight_by_examples=True)
      rows = [run.train_round(round_num) for round_num in (1, 2)]
      accuracies = [run.global_accuracy(), run.personal_accuracies()]
      return rows, accuracies, run.server_state.algorithm['scores']

  def test_one_thread_and_two_give_the_same_bits(self):
    one, two = (
        self._run('in_process', client_threads=count) for count in (1, 2)
    )
    self.assertEqual(one[:2], two[:2])
    self.assertAllEqual(one[2], two[2])

  def test_the_worker_gives_what_this_process_gives(self):
    rows, accuracies, scores = self._run('in_process')
    other_rows, other_accuracies, other_scores = self._run('worker')
    self.assertEqual(accuracies, other_accuracies)
    self.assertAllClose(scores, other_scores, rtol=0, atol=1e-6)
    for row, other in zip(rows, other_rows):
      self.assertAllClose(row.pop('train_loss'), other.pop('train_loss'))
      self.assertEqual(row, other)


if __name__ == '__main__':
  tf.test.main()
