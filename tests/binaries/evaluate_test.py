import os
import re
import shutil
import tempfile
import unittest

import numpy as np

from tests.binaries import command_runs
from tff_hidenseek.data import datasets
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

  def _evaluate(self, run_dir, *arguments):
    return command_runs.run(
        'evaluate', f'--run_dir={run_dir}', '--client_threads=2', *arguments
    )

  def _write_npz(self, change_labels=lambda labels: labels, size=8):
    """Returns the name of the digits in a file, with other labels."""
    digits = datasets.load_dataset('digits')
    descriptor, path = tempfile.mkstemp('.npz', dir=self._root)
    os.close(descriptor)
    np.savez(
        path,
        x_train=digits.train_x[:, :size],
        y_train=change_labels(digits.train_y),
        x_test=digits.test_x[:, :size],
        y_test=change_labels(digits.test_y),
    )
    return f'--dataset=npz:{path}'

  def _global_accuracy(self, *arguments):
    outcome = self._evaluate(self._dir, *arguments)
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    found = re.findall(r'^(\w+) +([01]\.\d{4})$', outcome.stdout, re.M)
    self.assertEqual(found[0][0], 'global_accuracy')
    return found[0][1], outcome

  def test_other_data_of_the_same_content_gives_the_same_global_accuracy(self):
    expected, _ = self._global_accuracy()
    found, outcome = self._global_accuracy(self._write_npz())
    self.assertEqual(found, expected)
    self.assertIn('hidenseek on npz:', outcome.stdout)
    self.assertNotIn('personal', outcome.stdout)
    self.assertNotIn('note:', outcome.stderr)

  def test_other_data_with_wrong_labels_gives_another_accuracy(self):
    expected, _ = self._global_accuracy()
    wrong = self._write_npz(lambda labels: (labels + 1) % 10)
    found, _ = self._global_accuracy(wrong)
    self.assertLess(float(found), float(expected))

  def test_other_data_that_does_not_fit_is_told_in_a_line(self):
    for dataset, message in (
        (self._write_npz(size=7), 'must have images of shape (8, 8, 1), found'),
        (
            self._write_npz(lambda labels: labels + 1),
            'must have classes among 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, found 10',
        ),
        ('--dataset=nope', 'must be one of digits'),
    ):
      outcome = self._evaluate(self._dir, dataset)
      self.assertEqual(outcome.exit_code, 2)
      self.assertIn(f'error: `dataset` {message}', outcome.stderr)
      self.assertEqual(outcome.stderr.count('\n'), 1)

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
