"""A new algorithm is one file, one line of the table and one flag file."""

import csv
import os
import shutil
import tempfile
from unittest import mock

from absl.testing import absltest

from tests.algorithms import toy_algorithm
from tests.binaries import command_runs
from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import metrics

_FLAG_FILE = """# The toy on the digits.
--algorithm=toy
--server_step=0.25
"""


class NewAlgorithmTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)
    self.enter_context(
        mock.patch.dict(
            registry.ALGORITHMS,
            toy=registry.AlgorithmEntry(
                toy_algorithm.build_toy, toy_algorithm.ToyOptions
            ),
        )
    )
    self._flag_file = os.path.join(self._dir, 'toy.flags')
    with open(self._flag_file, 'w', encoding='utf-8') as file:
      file.write(_FLAG_FILE)

  def _train(self, name, *arguments):
    run_dir = os.path.join(self._dir, name)
    outcome = command_runs.run(
        'train',
        f'--flagfile={self._flag_file}',
        *(f for f in command_runs.TINY_FLAGS if 'pruning' not in f),
        f'--output_dir={run_dir}',
        *arguments,
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    return run_dir

  def test_its_own_metric_is_in_every_row(self):
    run_dir = self._train('run')
    rows = metrics.read_rows(run_dir)
    self.assertLen(rows, 2)
    for row in rows:
      self.assertEqual(
          list(row), [*metrics.METRIC_NAMES, 'update_norm']
      )
      self.assertGreater(row['update_norm'], 0)
    with open(os.path.join(run_dir, 'metrics.csv'), encoding='utf-8') as table:
      (first, _) = csv.DictReader(table)
    self.assertEqual(float(first['update_norm']), rows[0]['update_norm'])

  def test_its_own_option_acts_and_is_in_the_config(self):
    run_dir = self._train('quarter')
    with open(os.path.join(run_dir, 'config.flags'), encoding='utf-8') as file:
      self.assertIn('--server_step=0.25\n', file.read())
    half_dir = self._train('half', '--server_step=0.5')
    quarter, half = (
        metrics.read_rows(folder)[0]['update_norm']
        for folder in (run_dir, half_dir)
    )
    self.assertAlmostEqual(half / quarter, 2, places=4)

  def test_a_wrong_option_is_told(self):
    outcome = command_runs.run(
        'train',
        f'--flagfile={self._flag_file}',
        '--server_step=2',
        f'--output_dir={self._dir}/wrong',
    )
    self.assertEqual(outcome.exit_code, 2)
    self.assertIn('`server_step` must be at most 1, found 2.0.', outcome.stderr)


if __name__ == '__main__':
  absltest.main()
