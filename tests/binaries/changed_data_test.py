"""A run's data is changed under it: every command says so."""

import json
import os
import shutil
import tempfile

from absl.testing import absltest
import numpy as np

from tests.binaries import command_runs

_REFUSAL = (
    r'\Aerror: `dataset` must be the data that the run in \S+ was trained on, '
    r'found other pixels or labels\. [^\n]*--allow_changed_data[^\n]*\n\Z'
)


class ChangedDataTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)
    self._run_dir = os.path.join(self._dir, 'run')
    here = os.getcwd()
    self.addCleanup(os.chdir, here)
    os.chdir(self._dir)
    self._save(seed=0)

  def _save(self, seed):
    """Saves images of four classes, called 1 to 4, as `mine.npz`."""
    rng = np.random.default_rng(seed)
    np.savez(
        'mine.npz',
        x_train=rng.integers(256, size=(160, 8, 8), dtype=np.uint8),
        y_train=np.arange(160) % 4 + 1,
        x_test=rng.integers(256, size=(40, 8, 8), dtype=np.uint8),
        y_test=np.arange(40) % 4 + 1,
    )

  def _train(self, *arguments):
    return command_runs.run(
        'train', *command_runs.TINY_FLAGS, '--dataset=npz:mine.npz',
        f'--output_dir={self._run_dir}', *arguments,
    )

  def _read_data(self):
    with open(f'{self._run_dir}/data.json', encoding='utf-8') as file:
      return json.load(file)

  def test_is_refused_by_every_command_that_loads_it_again(self):
    outcome = self._train()
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertStartsWith(
        outcome.stdout, '160 training and 40 test images of 8 x 8 x 1, pixels')
    self.assertIn('The labels 1, 2, 3, 4 are the classes', outcome.stdout)
    first = self._read_data()
    self.assertEqual(first['class_names'], ['1', '2', '3', '4'])
    self._save(seed=1)
    evaluation = ('evaluate', f'--run_dir={self._run_dir}')
    export = ('export', f'--run_dir={self._run_dir}', '--format=ticket')
    for outcome in (
        self._train('--resume'),
        # A refusal leaves the finished run that was to go on.
        self._train('--resume', '--num_rounds=3'),
        command_runs.run(*evaluation),
        command_runs.run(*export),
    ):
      self.assertEqual(outcome.exit_code, 2, outcome.stdout)
      self.assertRegex(outcome.stderr, _REFUSAL)
    self.assertEqual(self._read_data(), first)
    for command in (evaluation, export):
      outcome = command_runs.run(*command, '--allow_changed_data')
      self.assertEqual(outcome.exit_code, 0, outcome.stderr)
      self.assertEqual(self._read_data(), first)
    outcome = self._train('--resume', '--allow_changed_data')
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertNotEqual(self._read_data()['digest'], first['digest'])

  def test_is_found_from_any_folder(self):
    self.assertEqual(self._train().exit_code, 0)
    self.assertEqual(self._train('--resume').exit_code, 0)
    os.chdir(os.sep)
    outcome = command_runs.run('evaluate', f'--run_dir={self._run_dir}')
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)

  def test_exports_know_the_labels(self):
    self.assertEqual(self._train().exit_code, 0)
    outcome = command_runs.run(
        'export', f'--run_dir={self._run_dir}', '--format=tflite_float32')
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    with open(f'{self._run_dir}/export/export.json', encoding='utf-8') as file:
      described = json.load(file)['model']
    self.assertEqual(described['class_names'], ['1', '2', '3', '4'])


if __name__ == '__main__':
  absltest.main()
