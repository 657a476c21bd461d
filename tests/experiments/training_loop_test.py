import itertools
import os
import shutil
import tempfile
import time
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import personal_accuracies
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run


def setUpModule():
  tiny_experiment.set_context()


class TrainTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _train(self, name='run', **changes):
    """Trains in a folder of that name; returns the rows and the scores."""
    config = tiny_experiment.make_config(
        **{'num_rounds': 5, 'rounds_per_checkpoint': 2, **changes}
    )
    run = tiny_experiment.start_run(config)
    run_dir = os.path.join(self._dir, name)
    os.makedirs(run_dir, exist_ok=True)
    rows = training_loop.train(
        config, run, tiny_experiment.build_federation(), run_dir
    )
    return self._without_seconds(rows), run.server_state.algorithm['scores']

  def _without_seconds(self, rows):
    return [
        {key: value for key, value in row.items() if key != 'seconds'}
        for row in rows
    ]

  def _interrupt(self, save_fails_at, name='run', **changes):
    """Trains until the checkpoint of a round cannot be written."""
    save = tff.program.FileProgramStateManager.save

    async def save_or_fail(manager, state, version):
      if version == save_fails_at:
        raise OSError(28, 'No space left on device')
      await save(manager, state, version)

    with mock.patch.object(
        tff.program.FileProgramStateManager, 'save', save_or_fail
    ), self.assertRaises(checkpoints.CheckpointError) as raised:
      self._train(name, **changes)
    return str(raised.exception)

  def test_evaluates_when_it_is_told_and_after_the_last_round(self):
    rows, _ = self._train(
        num_rounds=5, rounds_per_evaluation=2, rounds_per_personal_evaluation=3
    )
    for name, rounds in (
        ('global_accuracy', [2, 4, 5]),
        ('personal_accuracy_mean', [3, 5]),
        ('personal_accuracy_worst_decile', [3, 5]),
        ('unseen_personal_accuracy_mean', [3, 5]),
        ('train_loss', [1, 2, 3, 4, 5]),
    ):
      evaluated = [r['round_num'] for r in rows if r[name] is not None]
      self.assertEqual(evaluated, rounds)

  def test_zero_evaluates_personal_models_at_the_end_alone(self):
    rows, _ = self._train(num_rounds=2, rounds_per_personal_evaluation=0)
    self.assertIsNone(rows[0]['personal_accuracy_mean'])
    self.assertIsNotNone(rows[1]['personal_accuracy_mean'])

  def test_interim_personal_evaluations_are_of_few_clients(self):
    with mock.patch.object(
        training_run.TrainingRun,
        'personal_accuracies',
        autospec=True,
        side_effect=lambda run, clients=None: {
            i: i / 4 for i in clients or range(4)
        },
    ) as evaluated:
      rows, _ = self._train(num_rounds=2, num_personal_clients=2)
    asked = [call.args[1] for call in evaluated.call_args_list]
    self.assertEqual(asked, [[0, 1], None])
    means = [row['personal_accuracy_mean'] for row in rows]
    self.assertEqual(means, [0.125, 0.25])
    unseen = [row['unseen_personal_accuracy_mean'] for row in rows]
    self.assertEqual(unseen, [None, 0.75])

  def test_writes_every_client_s_last_accuracy(self):
    rows, _ = self._train(num_rounds=2)
    written = personal_accuracies.read(os.path.join(self._dir, 'run'))
    self.assertEqual(list(written['seen']), ['0', '1', '2'])
    self.assertEqual(list(written['unseen']), ['3'])
    self.assertAlmostEqual(
        np.mean(list(written['seen'].values())),
        rows[-1]['personal_accuracy_mean'],
    )
    self.assertAlmostEqual(
        written['unseen']['3'], rows[-1]['unseen_personal_accuracy_mean']
    )

  def test_ends_with_the_round_that_reaches_the_megabytes(self):
    rows, _ = self._train('free', rounds_per_evaluation=5)
    total = rows[2]['total_bytes_up'] + rows[2]['total_bytes_down']
    ended, _ = self._train(
        'bound', rounds_per_evaluation=5, max_megabytes=total / 1e6
    )
    self.assertLen(ended, 3)
    self.assertIsNotNone(ended[-1]['global_accuracy'])
    self.assertIsNotNone(ended[-1]['personal_accuracy_mean'])
    more, _ = self._train(
        'more', rounds_per_evaluation=5, max_megabytes=(total + 1) / 1e6
    )
    self.assertLen(more, 4)

  def test_a_run_that_spent_its_budget_is_over_when_it_is_resumed(self):
    rows, scores = self._train(max_megabytes=1e-6)
    again, same_scores = self._train(max_megabytes=1e-6)
    self.assertLen(rows, 1)
    self.assertEqual(rows, again)
    self.assertAllEqual(scores, same_scores)
    folder = checkpoints.folder(os.path.join(self._dir, 'run'))
    self.assertEqual(os.listdir(folder), ['checkpoint_1'])

  def test_seconds_before_a_kill_count(self):
    ticks = itertools.count()
    with mock.patch.object(time, 'monotonic', lambda: float(next(ticks))):
      # Its fourth round would end it, of one second each.
      self._interrupt(save_fails_at=4, max_seconds=4)
      rows, _ = self._train(max_seconds=4)
    self.assertLen(rows, 4)

  def test_returns_what_it_wrote(self):
    rows, _ = self._train()
    written = metrics.read_rows(os.path.join(self._dir, 'run'))
    self.assertEqual(rows, self._without_seconds(written))

  def test_saves_when_it_is_told_and_after_the_last_round(self):
    self._train(num_rounds=5, rounds_per_checkpoint=2)
    run_dir = os.path.join(self._dir, 'run')
    self.assertCountEqual(
        os.listdir(checkpoints.folder(run_dir)),
        ['checkpoint_2', 'checkpoint_4', 'checkpoint_5'],
    )

  def test_the_same_seed_gives_the_same_bits(self):
    rows, scores = self._train('one')
    same_rows, same_scores = self._train('two')
    self.assertEqual(rows, same_rows)
    self.assertAllEqual(scores, same_scores)

  def test_a_full_disk_leaves_the_checkpoint_before_and_the_run_goes_on(self):
    rows, scores = self._train('undisturbed')
    message = self._interrupt(save_fails_at=4)
    self.assertIn('of round 2 is intact', message)
    resumed_rows, resumed_scores = self._train()
    self.assertEqual(rows, resumed_rows)
    self.assertAllEqual(scores, resumed_scores)

  def test_a_run_without_a_checkpoint_begins_again(self):
    rows, scores = self._train('undisturbed')
    self.assertIn('none before it', self._interrupt(save_fails_at=2))
    resumed_rows, resumed_scores = self._train()
    self.assertEqual(rows, resumed_rows)
    self.assertAllEqual(scores, resumed_scores)

  def test_a_damaged_newest_checkpoint_costs_rounds_not_bits(self):
    rows, scores = self._train('undisturbed')
    self._interrupt(save_fails_at=5)
    folder = checkpoints.folder(os.path.join(self._dir, 'run'))
    os.truncate(os.path.join(folder, 'checkpoint_4', 'saved_model.pb'), 50)
    with self.assertLogs('absl', 'WARNING') as logs:
      resumed_rows, resumed_scores = self._train()
    self.assertIn('checkpoint_4 is damaged', logs.output[0])
    self.assertEqual(rows, resumed_rows)
    self.assertAllEqual(scores, resumed_scores)

  def test_a_finished_run_stays_as_it_is(self):
    rows, scores = self._train()
    again_rows, again_scores = self._train()
    self.assertEqual(rows, again_rows)
    self.assertAllEqual(scores, again_scores)


class SummarizePersonalTest(tf.test.TestCase):

  def test_describes_seen_clients_and_unseen_ones_apart(self):
    federation = mock.Mock(
        seen_clients=list(range(20)), unseen_clients=[20, 21]
    )
    accuracies = {i: i / 20 for i in range(20)}
    accuracies.update({20: 0.5, 21: 0.7})
    row = training_loop.summarize_personal(accuracies, federation)
    self.assertAllClose(
        row,
        dict(
            personal_accuracy_mean=np.mean(range(20)) / 20,
            personal_accuracy_std=np.std(range(20)) / 20,
            personal_accuracy_worst_decile=(0 + 1) / 2 / 20,
            unseen_personal_accuracy_mean=0.6,
        ),
    )

  def test_clients_that_were_not_evaluated_are_left_out(self):
    federation = mock.Mock(seen_clients=[0, 1, 2], unseen_clients=[3])
    row = training_loop.summarize_personal({0: 0.5, 2: 1.0}, federation)
    self.assertAllClose(row['personal_accuracy_mean'], 0.75)
    self.assertNotIn('unseen_personal_accuracy_mean', row)

  def test_the_worst_tenth_of_few_clients_is_the_worst(self):
    federation = mock.Mock(seen_clients=[0, 1, 2], unseen_clients=[])
    row = training_loop.summarize_personal({0: 0.5, 1: 0.2, 2: 1.0}, federation)
    self.assertAllClose(row['personal_accuracy_worst_decile'], 0.2)
    self.assertNotIn('unseen_personal_accuracy_mean', row)


class InterimClientsTest(tf.test.TestCase):

  def _choose(self, num_personal_clients):
    federation = mock.Mock(seen_clients=list(range(10)), unseen_clients=[10])
    config = mock.Mock(num_personal_clients=num_personal_clients)
    return training_loop.interim_clients(federation, config)

  def test_zero_is_all_clients(self):
    self.assertIsNone(self._choose(0))

  def test_they_have_equal_distances(self):
    self.assertEqual(self._choose(1), [0])
    self.assertEqual(self._choose(4), [0, 2, 5, 7])
    self.assertEqual(self._choose(5), [0, 2, 4, 6, 8])

  def test_more_than_there_are_is_all_that_are_seen(self):
    self.assertEqual(self._choose(11), list(range(10)))


if __name__ == '__main__':
  tf.test.main()
