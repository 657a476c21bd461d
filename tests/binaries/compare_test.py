import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import attrs

from tests.binaries import command_runs
from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import run_lock

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_TINY = (*command_runs.TINY_FLAGS, '--rounds_per_personal_evaluation=1')
# For algorithms that do not prune.
_TINY_DENSE = tuple(flag for flag in _TINY if 'pruning' not in flag)


class _ComparisonTestCase(unittest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _compare(self, *arguments):
    return command_runs.run('compare', *arguments, f'--output_dir={self._dir}')


class RunTest(unittest.TestCase):
  """One comparison; each test looks at something else that it left."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._dir = tempfile.mkdtemp()
    cls.addClassCleanup(shutil.rmtree, cls._dir)
    cls.arguments = (
        *_TINY,
        '--algorithms=hidenseek,fed_avg',
        '--density=0.2',
        '--target_accuracy=0.01',
        '--num_parallel_runs=2',
        f'--output_dir={cls._dir}/out',
    )
    cls.outcome = command_runs.run(
        'compare', *cls.arguments, f'--results_json={cls._dir}/rows.json'
    )

  def _read(self, *path):
    with open(os.path.join(self._dir, *path), encoding='utf-8') as file:
      return file.read()

  def test_succeeds(self):
    self.assertEqual(self.outcome.exit_code, 0, self.outcome.stderr)

  def test_every_run_is_one_of_train(self):
    for algorithm in ('hidenseek', 'fed_avg'):
      run_dir = f'{self._dir}/out/runs/digits.iid/{algorithm}/seed0'
      self.assertEqual(len(metrics.read_rows(run_dir)), 2)
      self.assertTrue(os.path.exists(f'{run_dir}/final_model.keras'))
      self.assertEqual(
          self._read(f'{run_dir}/config.flags'), self._read(f'{run_dir}.flags')
      )

  def test_there_are_three_reports(self):
    content = json.loads(self._read('out', 'report.json'))
    self.assertEqual(
        content['details'][0]['data']['class_names'], list('0123456789')
    )
    self.assertIn(
        'Images of 8 x 8 x 1, pixels in [0, 1]; 10 classes: 0, 1, 2, 3, 4, 5, '
        '6, 7, 8, 9.',
        self._read('out', 'report.md'),
    )
    rows = {row['algorithm']: row for row in content['rows']}
    self.assertEqual(list(rows), ['hidenseek', 'fed_avg'])
    last = metrics.read_rows(
        f'{self._dir}/out/runs/digits.iid/hidenseek/seed0'
    )[-1]
    self.assertEqual(
        rows['hidenseek']['global_accuracy_mean'], last['global_accuracy']
    )
    # 128 votes of one bit from each of two clients, in two rounds.
    self.assertEqual(rows['hidenseek']['megabytes_up'], 64e-6)
    for name in ('report.md', 'report.html'):
      page = self._read('out', name)
      self.assertIn(f'{last["global_accuracy"]:.4f}', page)
      self.assertIn('Gains of hidenseek', page)

  def test_models_are_measured_as_a_user_would_get_them(self):
    content = json.loads(self._read('out', 'report.json'))
    sizes = {
        each['algorithm']: each['values']['model_kilobytes']['mean']
        for each in content['details']
    }
    # 650 floats and the format's own; 128 signs and their mask.
    self.assertGreater(sizes['fed_avg'], 2.6)
    self.assertLess(sizes['hidenseek'], 1)

  def test_rows_alone_go_where_they_are_asked_for(self):
    self.assertEqual(
        json.loads(self._read('rows.json')),
        json.loads(self._read('out', 'report.json'))['rows'],
    )
    self.assertEqual(self._read('rows.json').count('\n{'), 2)  # A row a line.

  def test_the_terminal_shows_the_main_numbers(self):
    lines = self.outcome.stdout.splitlines()
    self.assertLessEqual(max(map(len, lines[:-1])), 80)
    self.assertIn('digits.iid, 1 seed', lines)
    self.assertEqual(
        lines[-1], f'Report: {self._dir}/out/report.html (.md, .json)'
    )

  def test_the_same_command_runs_nothing_again(self):
    before = self._read('out', 'report.md')
    with mock.patch.object(child_commands, '_start') as start:
      outcome = command_runs.run('compare', *self.arguments)
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    start.assert_not_called()
    self.assertEqual(
        self._read('out', 'report.md').split('## ')[1:],
        before.split('## ')[1:],
    )

  def test_the_report_can_be_made_alone(self):
    shutil.copytree(f'{self._dir}/out', f'{self._dir}/copy')
    outcome = command_runs.run(
        'compare', '--report_only', f'--output_dir={self._dir}/copy'
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertNotIn('to target', outcome.stdout)
    self.assertIn('hidenseek', outcome.stdout)

  def test_another_experiment_in_the_same_folder_is_an_error(self):
    outcome = command_runs.run('compare', *self.arguments, '--batch_size=7')
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(
        outcome.stderr,
        r'\Aerror: `output_dir` must not hold another run, [^\n]*'
        r'--batch_size=10 --batch_size=7\.\n\Z',
    )


  def test_rivals_with_other_data_in_the_same_folder_are_an_error(self):
    outcome = command_runs.run(
        'compare',
        '--algorithms=sign_sgd',
        '--model=linear',
        '--num_clients=20',
        f'--output_dir={self._dir}/out',
    )
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(
        outcome.stderr,
        r'\Aerror: `num_clients` must be the same in all that is compared on '
        r'digits.iid, found 20 for sign_sgd and 4 for hidenseek\.\n\Z',
    )


class FailureTest(_ComparisonTestCase):

  def _compare_failing(self, fails):
    """Compares with a program that fails in place of some training."""
    start = child_commands._start

    def start_failing(command, environment):
      if fails(command.name):
        failing = [sys.executable, '-c', 'exit("error: `x` is bad.")']
        command = attrs.evolve(command, arguments=failing)
      return start(command, environment)

    with mock.patch.object(child_commands, '_start', start_failing):
      return self._compare(*_TINY_DENSE, '--algorithms=fed_avg,sign_sgd')

  def test_the_others_go_on_and_the_report_is_of_them(self):
    outcome = self._compare_failing(lambda name: 'fed_avg' in name)
    self.assertEqual(outcome.exit_code, 1)
    name = 'digits.iid fed_avg seed 0'
    self.assertRegex(
        outcome.stderr, f'failed: {name}: error: `x` is bad. '
    )
    self.assertIn(
        f'Not finished, and not in the numbers:\n  {name}: 0 of 2 rounds.',
        outcome.stdout,
    )
    with open(f'{self._dir}/report.json', encoding='utf-8') as file:
      content = json.load(file)
    self.assertEqual(
        [row['algorithm'] for row in content['rows']], ['sign_sgd']
    )
    self.assertEqual(content['unfinished'][0]['error'], 'error: `x` is bad.')

  def test_where_all_fail_there_is_no_report(self):
    outcome = self._compare_failing(lambda name: True)
    self.assertEqual(outcome.exit_code, 1)
    self.assertEqual(outcome.stderr.count('failed: '), 2)
    self.assertNotIn('Traceback', outcome.stderr)
    self.assertFalse(os.path.exists(f'{self._dir}/report.json'))


class DivergenceTest(_ComparisonTestCase):

  def test_is_a_result_that_is_in_no_number_and_is_not_run_again(self):
    arguments = (
        *_TINY_DENSE, '--algorithms=fed_avg', '--client_learning_rate=3e38'
    )
    outcome = self._compare(*arguments)
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    name = 'digits.iid fed_avg seed 0'
    self.assertIn(f'diverged at round 1: {name}', outcome.stderr)
    self.assertNotIn('failed', outcome.stderr)
    self.assertIn(f'{name}: diverged at round 1: ', outcome.stdout)
    with open(f'{self._dir}/report.json', encoding='utf-8') as file:
      content = json.load(file)
    self.assertEqual((content['rows'], content['unfinished']), ([], []))
    self.assertEqual(
        [(each['name'], each['round_num']) for each in content['diverged']],
        [(name, 1)],
    )
    with mock.patch.object(child_commands, '_start') as start:
      outcome = self._compare(*arguments)
    start.assert_not_called()
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertIn(f'{name}: diverged at round 1: ', outcome.stdout)


class UserErrorsTest(_ComparisonTestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, folder)
    self._flag_file = os.path.join(folder, 'fed_avg.flags')
    pathlib.Path(self._flag_file).write_text('--model=linear\nnum_rounds=1\n')

  def _assert_error(self, message, *arguments):
    outcome = self._compare(*arguments)
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(outcome.stderr, rf'\Aerror: {message}[^\n]*\n\Z')
    self.assertEqual(os.listdir(self._dir), [])

  def test_each_is_one_line_and_leaves_nothing(self):
    for message, *arguments in (
        ('`algorithms` must be one of hidenseek,.* \'x\'', '--algorithms=x'),
        ('`algorithms` must not come with', '--algorithms=ssfl',
         '--flagfiles=a'),
        ('`flagfiles` must be files, found none at no.flags',
         '--flagfiles=no.flags'),
        ('`flagfile` must hold one flag a line.* found \'num_rounds=1\' in '
         f'line 2 of {self._flag_file}', f'--flagfiles={self._flag_file}'),
        ('`flagfile` must hold one flag a line.* found \'num_rounds=1\' in '
         f'line 2 of {self._flag_file}', f'--flagfile={self._flag_file}'),
        ('`seeds` must be whole numbers, found \'a\'', '--seeds=0,a'),
        ('`seeds_of` must be NAME=VALUE', '--seeds_of=ssfl:0'),
        ('`partition` must be one of iid', '--partitions=even'),
        ('`sweep` must be NAME=VALUE', '--sweep=density'),
        ('`sweep` must be of an option, found \'x\'', '--sweep=x=1'),
        ('`sweep` must give values of `density`, found \'a\'',
         '--sweep=density=a'),
        ('`density` must be an option of an algorithm that is compared',
         '--algorithms=fed_avg', '--sweep=density=0.1'),
        ('`density` must be greater than 0', '--sweep=density=0.0'),
        ('`target_accuracy` must be in \\(0, 1\\], found 95.0',
         '--target_accuracy=95'),
        ('`reference` must be one of hidenseek, found \'x\'',
         '--reference=x'),
        ('`output_dir` must hold a finished run, found none',
         '--report_only'),
    ):
      with self.subTest(message):
        self._assert_error(message, *arguments)

  def test_a_second_comparison_in_the_folder_is_refused(self):
    with run_lock.hold(self._dir):
      self._assert_error(
          '`output_dir` must not be in use, found another program',
          '--algorithms=fed_avg',
      )


class StopTest(_ComparisonTestCase):

  def test_a_stopped_comparison_goes_on_where_it_was(self):
    arguments = (
        *_TINY_DENSE,
        '--algorithms=fed_avg',
        '--num_rounds=150',
        '--rounds_per_personal_evaluation=0',
        '--rounds_per_checkpoint=20',
    )
    log = open(os.path.join(self._dir, 'stderr'), 'w+', encoding='utf-8')
    self.addCleanup(log.close)
    program = subprocess.Popen(
        [sys.executable, '-m', 'binaries.compare', *arguments,
         f'--output_dir={self._dir}'],
        cwd=_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=log,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
    )
    self.addCleanup(program.wait)
    self.addCleanup(program.kill)
    run_dir = f'{self._dir}/runs/digits.iid/fed_avg/seed0'
    deadline = time.monotonic() + 240
    while not os.path.exists(f'{run_dir}/checkpoints/checkpoint_20'):
      self.assertIsNone(program.poll())
      self.assertLess(time.monotonic(), deadline)
      time.sleep(0.01)
    program.send_signal(signal.SIGTERM)
    self.assertEqual(program.wait(60), 130)
    log.seek(0)
    said = log.read()
    self.assertIn('Stopped; the same command goes on from here', said)
    self.assertNotIn('Traceback', said)
    before = metrics.count_rounds(run_dir)
    self.assertLess(before, 150)
    first_rows = metrics.read_rows(run_dir)[:20]
    time.sleep(0.5)
    self.assertEqual(metrics.count_rounds(run_dir), before)  # It has ended.
    outcome = self._compare(*arguments)
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    rows = metrics.read_rows(run_dir)
    self.assertEqual(len(rows), 150)
    # Not trained again: their seconds are the same.
    self.assertEqual(rows[:20], first_rows)


if __name__ == '__main__':
  unittest.main()
