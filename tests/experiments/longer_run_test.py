"""A finished run goes on when it is asked for more rounds."""

import os
import shutil
import tempfile

from absl.testing import absltest
import numpy as np
import tensorflow as tf

from tests.binaries import command_runs
from tff_hidenseek.experiments import metrics

# What is measured in the last round of a run, or takes its own time.
_OF_THE_LAST_ROUND = ('personal', 'seconds')


class LongerRunTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _train(self, name, num_rounds, *arguments):
    run_dir = os.path.join(self._dir, name)
    outcome = command_runs.run(
        'train',
        *command_runs.TINY_FLAGS,
        f'--num_rounds={num_rounds}',
        f'--output_dir={run_dir}',
        *arguments,
    )
    return run_dir, outcome

  def test_it_ends_with_the_bits_of_a_run_that_was_longer_from_the_start(self):
    self._train('extended', 2)
    extended, outcome = self._train('extended', 4, '--resume')
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    whole, _ = self._train('whole', 4)
    rows = []
    for run_dir in (extended, whole):
      rows.append([
          {
              name: value
              for name, value in row.items()
              if not name.startswith(_OF_THE_LAST_ROUND)
          }
          for row in metrics.read_rows(run_dir)
      ])
    self.assertLen(rows[0], 4)
    self.assertEqual(*rows)
    weights = [
        tf.keras.models.load_model(f'{run_dir}/final_model.keras').get_weights()
        for run_dir in (extended, whole)
    ]
    for pair in zip(*weights, strict=True):
      np.testing.assert_array_equal(*pair)
    with open(f'{extended}/config.flags', encoding='utf-8') as config:
      self.assertIn('--num_rounds=4\n', config.read())

  def test_it_does_not_go_back(self):
    self._train('run', 2)
    run_dir, outcome = self._train('run', 1, '--resume')
    self.assertEqual(outcome.exit_code, 2)
    self.assertIn(
        f'`num_rounds` must be at least the 2 that the run in {run_dir} has '
        'done, found 1.',
        outcome.stderr,
    )

  def test_only_with_resume(self):
    self._train('run', 2)
    _, outcome = self._train('run', 4)
    self.assertEqual(outcome.exit_code, 2)
    self.assertIn('differs in --num_rounds=2 --num_rounds=4', outcome.stderr)


if __name__ == '__main__':
  absltest.main()
