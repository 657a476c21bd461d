import json
import os
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import training_loop


def setUpModule():
  tiny_experiment.set_context()


class DivergenceTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _train(self, **changes):
    config = tiny_experiment.make_config(
        'fed_avg', model='mlp', num_rounds=40, **changes
    )
    federation = tiny_experiment.build_federation()
    run = tiny_experiment.start_run(config)
    return training_loop.train(config, run, federation, self._dir)

  def test_a_training_that_diverges_stops_and_says_what_to_try(self):
    with self.assertRaisesRegex(
        divergence.DivergenceError,
        r'in round \d+, of 2 clients, `train_loss` is (nan|inf).*'
        r'(The checkpoint of round \d+ is kept|There is no checkpoint before '
        r'it)\. '
        r'Try a smaller `client_learning_rate` \(now 1e\+06\)\.',
    ):
      self._train(client_learning_rate=1e6)
    with open(
        os.path.join(self._dir, divergence.DIVERGENCE_FILE), encoding='utf-8'
    ) as file:
      noted = json.load(file)
    rows = metrics.read_rows(self._dir)
    self.assertLen(rows, noted['round_num'] - 1)
    for row in rows:
      self.assertTrue(np.isfinite(row['train_loss']))

  def test_one_number_of_the_state_is_enough(self):
    config = tiny_experiment.make_config('fed_avg')
    os.makedirs(os.path.join(self._dir, 'checkpoints'))
    state = [np.zeros(3, np.float32), np.array([1, np.inf], np.float32)]
    row = dict(round_num=7, train_loss=0.5)
    divergence.check(self._dir, config, row, state[:1])
    self.assertEqual(os.listdir(self._dir), ['checkpoints'])
    with self.assertRaisesRegex(
        divergence.DivergenceError,
        'round 7, of 2 clients, 1 of 2 numbers of the model are not finite. '
        'There is no checkpoint before it.',
    ):
      divergence.check(self._dir, config, row, state)


if __name__ == '__main__':
  tf.test.main()
