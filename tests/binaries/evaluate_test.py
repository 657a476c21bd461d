import os
import re
import shutil
import tempfile
import unittest

from tests.binaries import command_runs
from tff_hidenseek.experiments import metrics


class EvaluateTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._root = tempfile.mkdtemp()
    cls.addClassCleanup(shutil.rmtree, cls._root)
    cls._dir = os.path.join(cls._root, 'run')
    outcome = command_runs.run(
        'train',
        *command_runs.TINY_FLAGS,
        '--num_unseen_clients=1',
        f'--output_dir={cls._dir}',
    )
    assert not outcome.exit_code, outcome.stderr

  def _evaluate(self, run_dir):
    return command_runs.run(
        'evaluate', f'--run_dir={run_dir}', '--client_threads=2'
    )

  def test_finds_what_the_run_found_last(self):
    outcome = self._evaluate(self._dir)
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertIn('hidenseek on digits after round 2', outcome.stdout)
    found = dict(re.findall(r'^(\w+) +([01]\.\d{4})$', outcome.stdout, re.M))
    last = metrics.read_rows(self._dir)[-1]
    names = [name for name in metrics.METRIC_NAMES if 'accuracy' in name]
    self.assertEqual(found, {name: f'{last[name]:.4f}' for name in names})

  def test_a_damaged_checkpoint_is_named_and_the_one_before_used(self):
    copy = os.path.join(self._root, 'damaged')
    shutil.copytree(self._dir, copy)
    folder = os.path.join(copy, 'checkpoints')
    shutil.copytree(
        os.path.join(folder, 'checkpoint_2'),
        os.path.join(folder, 'checkpoint_3'),
    )
    os.truncate(os.path.join(folder, 'checkpoint_3', 'saved_model.pb'), 9)
    with self.assertLogs('absl', 'WARNING') as logs:
      outcome = self._evaluate(copy)
    self.assertIn('checkpoint_3 is damaged', logs.output[0])
    self.assertIn('after round 2', outcome.stdout)

  def test_raises_where_there_is_no_run(self):
    empty = os.path.join(self._root, 'empty')
    os.makedirs(empty)
    without_checkpoint = os.path.join(self._root, 'without_checkpoint')
    shutil.copytree(self._dir, without_checkpoint)
    shutil.rmtree(os.path.join(without_checkpoint, 'checkpoints'))
    no_config = os.path.join(self._root, 'no_config')
    os.makedirs(no_config)
    with open(
        os.path.join(no_config, 'config.flags'), 'w', encoding='utf-8'
    ) as file:
      file.write('--density=often\n')
    for run_dir, message in (
        (empty, '`run_dir` must hold a run, found no file'),
        (without_checkpoint, '`run_dir` must hold a checkpoint, found none'),
        (no_config, '.*config.flags is not the config of a run'),
    ):
      outcome = self._evaluate(run_dir)
      self.assertEqual(outcome.exit_code, 2)
      self.assertRegex(outcome.stderr, rf'\Aerror: {message}[^\n]*\n\Z')


if __name__ == '__main__':
  unittest.main()
