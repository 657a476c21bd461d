import glob
import json
import os
import re
import shutil
import tempfile
import unittest
from unittest import mock

from absl import flags
from matplotlib import image
import tensorflow as tf
import tensorflow_federated as tff

from tests.binaries import command_runs
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.data import datasets
from tff_hidenseek.experiments import metrics


def _read(*path):
  with open(os.path.join(*path), encoding='utf-8') as file:
    return file.read()


class RunTest(unittest.TestCase):
  """One run; each test looks at something else that it left."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._dir = os.path.join(tempfile.mkdtemp(), 'run')
    cls.addClassCleanup(shutil.rmtree, os.path.dirname(cls._dir))
    cls.outcome = command_runs.run(
        'train',
        *command_runs.TINY_FLAGS,
        '--num_rounds=4',
        '--num_unseen_clients=1',
        '--rounds_per_evaluation=3',
        '--rounds_per_personal_evaluation=2',
        '--seed=11',
        f'--output_dir={cls._dir}',
    )

  def test_succeeds(self):
    self.assertEqual(self.outcome.exit_code, 0, self.outcome.stderr)

  def test_the_config_loads_again(self):
    path = os.path.join(self._dir, 'config.flags')
    config = experiment_flags.config_from_file(path)
    self.assertEqual(config.seed, 11)
    self.assertEqual(config.options.pruning_iterations, 5)
    self.assertEqual(config.to_flag_file(), _read(path))
    flag_values = flags.FlagValues()
    experiment_flags.define_experiment_flags(flag_values)
    flag_values(['train', f'--flagfile={path}'])
    self.assertEqual(experiment_flags.config_from_flags(flag_values), config)

  def test_there_is_a_row_a_round(self):
    lines = _read(self._dir, 'metrics.jsonl').splitlines()
    rows = [json.loads(line) for line in lines]
    self.assertEqual([row['round_num'] for row in rows], [1, 2, 3, 4])
    for name, rounds in (
        ('global_accuracy', [3, 4]),
        ('personal_accuracy_mean', [2, 4]),
        ('unseen_personal_accuracy_mean', [2, 4]),
        ('sign_flips', [1, 2, 3, 4]),
        ('seconds', [1, 2, 3, 4]),
    ):
      self.assertEqual(
          [row['round_num'] for row in rows if row[name] is not None], rounds
      )

  def test_the_table_has_a_line_a_round(self):
    lines = _read(self._dir, 'metrics.csv').splitlines()
    names = (*metrics.METRIC_NAMES, 'flipped_logits')
    self.assertEqual(lines[0], ','.join(names))
    self.assertEqual(len(lines), 5)

  def test_there_are_events_for_tensorboard(self):
    self.assertEqual(
        len(glob.glob(os.path.join(self._dir, 'tensorboard', '*tfevents*'))), 1
    )

  def test_there_are_five_pictures(self):
    paths = glob.glob(os.path.join(self._dir, 'plots', '*.png'))
    self.assertEqual(len(paths), 5)
    for path in paths:
      self.assertEqual(image.imread(path).ndim, 3)

  def test_the_final_model_has_the_last_accuracy(self):
    model = tf.keras.models.load_model(
        os.path.join(self._dir, 'final_model.keras')
    )
    dataset = datasets.load_dataset('digits')
    predicted = tf.argmax(model(dataset.test_x), axis=1).numpy()
    last = metrics.read_rows(self._dir)[-1]
    self.assertAlmostEqual(
        (predicted == dataset.test_y).mean(), last['global_accuracy']
    )

  def test_the_closing_table_fits_and_agrees(self):
    lines = self.outcome.stdout.splitlines()
    self.assertLessEqual(max(map(len, lines[:14])), 80)
    last = metrics.read_rows(self._dir)[-1]
    self.assertIn(f'{last["global_accuracy"]:.4f}', self.outcome.stdout)
    self.assertIn(f'Written to {self._dir}:', self.outcome.stdout)
    for name in os.listdir(self._dir):
      self.assertIn(f'  {name}\n', self.outcome.stdout)

  def test_the_progress_bar_shows_accuracy_and_bytes(self):
    self.assertIn('4/4', self.outcome.stderr)
    self.assertRegex(self.outcome.stderr, r'accuracy 0\.\d+, 0\.00 MB up')

  def test_it_is_not_overwritten(self):
    before = _read(self._dir, 'metrics.jsonl')
    for arguments, message in (
        (['--num_unseen_clients=1'], 'must not hold another run'),
        ([f'--flagfile={self._dir}/config.flags'], 'Add --resume'),
    ):
      outcome = command_runs.run(
          'train',
          *command_runs.TINY_FLAGS,
          *arguments,
          f'--output_dir={self._dir}',
      )
      self.assertEqual(outcome.exit_code, 2)
      self.assertRegex(
          outcome.stderr, rf'\Aerror: `output_dir` [^\n]*{message}[^\n]*\n\Z'
      )
    self.assertEqual(_read(self._dir, 'metrics.jsonl'), before)

  def test_a_finished_run_resumes_to_itself(self):
    copy = self._dir + '_copy'
    shutil.copytree(self._dir, copy)
    outcome = command_runs.run(
        'train',
        f'--flagfile={copy}/config.flags',
        f'--output_dir={copy}',
        '--resume',
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    for name in ('metrics.jsonl', 'metrics.csv', 'config.flags'):
      self.assertEqual(_read(copy, name), _read(self._dir, name))
    self.assertEqual(
        outcome.stdout.replace(copy, self._dir), self.outcome.stdout
    )


class ReferenceTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def test_a_reference_is_trained_too_and_compared(self):
    outcome = command_runs.run(
        'train',
        *command_runs.TINY_FLAGS,
        '--num_epochs=3',
        '--reference=fed_avg',
        f'--output_dir={self._dir}/run',
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    reference_dir = os.path.join(self._dir, 'run', 'reference_fed_avg')
    self.assertIn('--algorithm=fed_avg', _read(reference_dir, 'config.flags'))
    self.assertIn('--num_epochs=3', _read(reference_dir, 'config.flags'))
    self.assertEqual(len(metrics.read_rows(reference_dir)), 2)
    # 650 float32 and a weight, against 64 bits.
    self.assertRegex(
        outcome.stdout, r'hidenseek uploaded 326 times less than\s+fed_avg'
    )
    self.assertRegex(outcome.stdout, r'hidenseek +fed_avg\n')

  def test_raises_on_a_reference_that_is_no_other_algorithm(self):
    for name, message in (
        ('hidenseek', '`reference` must be another algorithm'),
        ('fedavg', '`algorithm` must be one of hidenseek, fed_avg'),
    ):
      outcome = command_runs.run(
          'train', f'--reference={name}', f'--output_dir={self._dir}/run'
      )
      self.assertEqual(outcome.exit_code, 2)
      self.assertRegex(
          outcome.stderr, rf'\Aerror: {message}[^\n]*{name}[^\n]*\n\Z'
      )


class FullDiskTest(unittest.TestCase):

  def test_says_what_to_do_in_one_line(self):
    no_space = OSError(28, 'No space left on device')
    with tempfile.TemporaryDirectory() as folder:
      with mock.patch.object(
          tff.program.FileProgramStateManager, 'save', side_effect=no_space
      ):
        outcome = command_runs.run(
            'train', *command_runs.TINY_FLAGS, f'--output_dir={folder}/run'
        )
      self.assertEqual(outcome.exit_code, 2)
      errors = re.findall('^error: .*$', outcome.stderr, re.MULTILINE)
      self.assertEqual(len(errors), 1)
      self.assertIn('Make room there and run again with --resume.', errors[0])
      self.assertNotIn('Traceback', outcome.stderr)


if __name__ == '__main__':
  unittest.main()
