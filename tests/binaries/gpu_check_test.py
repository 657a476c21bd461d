import json
import os
import pathlib
import subprocess
import sys
import textwrap
from unittest import mock

from absl.testing import absltest
import numpy as np
import tensorflow as tf

from benchmarks.gpu import gpu_checks
from benchmarks.gpu import gpu_digits
from benchmarks.gpu import gpu_outcome
from benchmarks.gpu import gpu_parity
from benchmarks.gpu import gpu_report
from benchmarks.gpu import gpu_timing
from tests.binaries import command_runs
from tff_hidenseek.commands import experiment_flags

_ROOT = pathlib.Path(__file__).resolve().parents[2]

# In a process of its own: TensorFlow divides a CPU only before its first op.
_CHECKS_ON_CPUS = textwrap.dedent("""
    import contextlib
    import functools
    import sys

    import tensorflow as tf
    from benchmarks.gpu import gpu_checks
    from benchmarks.gpu import gpu_digits
    from benchmarks.gpu import gpu_report
    from benchmarks.gpu import gpu_rounds
    from benchmarks.gpu import gpu_timing
    from benchmarks import system_processes

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices('CPU')[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    devices = ('CPU:0', 'CPU:1')
    clients = system_processes.make_clients(2, 20)
    digits = dict(
        model='linear', pruning_iterations=5, num_clients=4, batch_size=10,
        clients_per_round=4, num_rounds=12)
    system_processes.WORKLOADS['tiny'] = (2, 20)
    system_processes.MODELS['tiny'] = 'linear'
    ways = [gpu_rounds.Way('in_turn', 1, 2), gpu_rounds.Way('at_once', 2, 1)]

    @contextlib.contextmanager
    def watch_memory(device, growth):
      readings = iter(range(100))
      yield lambda kind: 10.0 + growth * next(readings)

    report = gpu_report.Report(sys.argv[1], {'gpu': None})
    report.run('hello', lambda: gpu_checks.check_hello('CPU:1'))
    report.run('fed_avg_parity', lambda: gpu_checks.check_fed_avg_parity(
        devices, 'linear', clients, 1e-4))
    report.run('hidenseek_parity', lambda: gpu_checks.check_hidenseek_parity(
        devices, 'linear', clients, 0.002, 0.05))
    for name, accuracy in [('digits', 0.3), ('digits_too_high', 1.01)]:
      report.run(name, functools.partial(
          gpu_digits.check_digits, 'CPU:1', digits, accuracy))
    for name, growth in [('memory_flat', 0.0), ('memory_growing', 1.0)]:
      report.run(name, functools.partial(
          gpu_timing.check_memory, 'CPU:1', 'linear', clients, 3, 1.0,
          functools.partial(watch_memory, growth=growth)))
    report.run('rounds', lambda: gpu_rounds.check_rounds(
        'CPU:1', 'tiny', 'fed_avg', ways, 8.0))
    for algorithm in ('fed_avg', 'hidenseek'):
      report.run(f'at_once_{algorithm}', functools.partial(
          gpu_rounds.check_at_once_parity,
          'CPU:1', 'linear', algorithm, clients, 1e-4))
    report.run('synflow', lambda: gpu_checks.check_synflow(
        devices, 'lenet', 0.1, 5, 1e-5))
""")


class ChecksOnCpusTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = pathlib.Path(absltest.get_default_test_tmpdir())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'gpu_check.json'
    cls.table = subprocess.run(
        [sys.executable, '-c', _CHECKS_ON_CPUS, str(path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            'PYTHONPATH': str(_ROOT),
            'TF_CPP_MIN_LOG_LEVEL': '3',
        },
    ).stdout
    cls.rows = {
        row['name']: row
        for row in json.loads(path.read_text(encoding='utf-8'))['checks']
    }

  def _find(self, name, status='passed'):
    row = self.rows[name]
    self.assertEqual(row['status'], status, row['error'] or row['summary'])
    return row['numbers']

  def test_a_federated_computation_runs(self):
    self.assertEqual(self._find('hello')['found'], [12, 1.0])

  def test_fed_avg_moves_weights_to_the_same_place(self):
    numbers = self._find('fed_avg_parity')
    self.assertGreater(numbers['largest_change'], 0.01)
    self.assertEqual(numbers['weights'], 32 * 32 * 3 * 10 + 10)

  def test_hidenseek_casts_the_same_votes(self):
    numbers = self._find('hidenseek_parity')
    self.assertEqual(numbers['votes'], round(0.1 * 32 * 32 * 3 * 10))
    self.assertTrue(numbers['same_draws'])

  def test_the_digits_reach_their_accuracy(self):
    numbers = self._find('digits')
    self.assertGreater(numbers['accuracy'], 0.3)
    self.assertLen(numbers['train_losses'], 12)
    self.assertLen(numbers['last_accuracies'], 10)

  def test_an_accuracy_that_is_too_low_fails(self):
    self._find('digits_too_high', 'failed')

  def test_flat_memory_passes(self):
    self.assertLen(self._find('memory_flat')['mib_after_rounds'], 4)

  def test_growing_memory_fails(self):
    self.assertEqual(self._find('memory_growing', 'failed')['growth_mib'], 3.0)

  def test_rounds_are_timed_every_way(self):
    numbers = self._find('rounds')
    self.assertCountEqual(numbers, ['in_turn_1x2', 'at_once_2x1'])
    for timed in numbers.values():
      self.assertGreaterEqual(len(timed['seconds']), 1)
      self.assertEqual(timed['num_clients'], 2)

  def test_clients_at_once_learn_what_they_learn_alone(self):
    for algorithm in ('fed_avg', 'hidenseek'):
      numbers = self._find(f'at_once_{algorithm}')
      self.assertLessEqual(numbers['apart'], 1e-4)

  def test_synflow_keeps_the_same_weights(self):
    numbers = self._find('synflow')
    self.assertEqual(numbers['differing'], 0)
    self.assertEqual(numbers['kept'], round(0.1 * numbers['weights']))

  def test_the_table_has_80_columns(self):
    lines = self.table.splitlines()
    self.assertGreater(len(lines), len(self.rows))
    self.assertLessEqual(max(map(len, lines)), 80)


class ParityTest(absltest.TestCase):

  def test_other_weights_fail(self):
    states = [[np.zeros(3)], [np.ones(3)], [np.array([1, 1, 1.001])]]
    with mock.patch.object(gpu_parity, 'run_one_round', return_value=states):
      outcome = gpu_checks.check_fed_avg_parity('ab', 'linear', [], 1e-4)
    self.assertFalse(outcome.passed)
    self.assertAlmostEqual(outcome.numbers['relative_difference'], 0.001)

  def test_counts_votes_that_differ_and_those_that_should_be_certain(self):
    draws = np.float32([0, 0, 0, 0])
    first = gpu_parity.TrainedClient(
        np.float32([1, 1e-3, -1, 1]), draws, np.array([True, True, False, True])
    )
    second = gpu_parity.TrainedClient(
        np.float32([1, -1e-3, -1, -1]),
        draws,
        np.array([True, False, False, False]),
    )
    found = gpu_parity.summarize_votes(first, second, distance=0.05)
    self.assertEqual(found['differing_votes'], 0.5)
    self.assertEqual(found['differing_certain_votes'], 0.25)
    self.assertEqual(found['votes_against_draw'], 0)
    self.assertTrue(found['same_draws'])
    self.assertEqual(found['largest_move_difference'], 2)

  def test_finds_votes_that_are_not_what_draws_say(self):
    client = gpu_parity.TrainedClient(
        np.float32([1, 1]), np.float32([0, 0]), np.array([True, False])
    )
    found = gpu_parity.summarize_votes(client, client, distance=0.05)
    self.assertEqual(found['votes_against_draw'], 0.5)

  def test_tensor_float_32_is_off_inside_and_as_before_outside(self):
    config = tf.config.experimental
    before = config.tensor_float_32_execution_enabled()
    with gpu_parity.full_float32():
      self.assertFalse(config.tensor_float_32_execution_enabled())
    self.assertEqual(config.tensor_float_32_execution_enabled(), before)


class TimingTest(absltest.TestCase):

  def test_memory_that_is_taken_all_at_once_fails(self):
    timed = dict(mib_after_rounds=[5.0, 5.0], peak_mib=6.0)
    for grows in (True, False):
      with self.subTest(grows=grows), mock.patch.object(
          gpu_timing, 'time_rounds', return_value=timed
      ), mock.patch.object(
          tf.config, 'list_physical_devices', return_value=['gpu']
      ), mock.patch.object(
          tf.config.experimental, 'get_memory_growth', return_value=grows
      ):
        outcome = gpu_timing.check_memory('GPU:0', 'linear', [], 1, 1.0)
        self.assertEqual(outcome.passed, grows)


class ReportTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._path = self.create_tempfile().full_path

  def _rows(self):
    with open(self._path, encoding='utf-8') as file:
      return json.load(file)['checks']

  def _pass(self):
    return gpu_outcome.Outcome(True, 'fine', dict(answer=42))

  def test_an_error_is_recorded_and_the_others_go_on(self):
    report = gpu_report.Report(self._path, {})
    report.run('broken', lambda: {}['missing'])
    report.run('whole', self._pass)
    broken, whole = self._rows()
    self.assertEqual(broken['status'], 'failed')
    self.assertIn("KeyError: 'missing'", broken['error'])
    self.assertEqual(whole['status'], 'passed')
    self.assertEqual(whole['numbers'], dict(answer=42))
    self.assertEqual(report.exit_code, 1)

  def test_all_passed_is_exit_code_0(self):
    report = gpu_report.Report(self._path, {})
    report.run('whole', self._pass)
    self.assertEqual(report.exit_code, 0)

  def test_the_file_tells_which_check_is_running(self):
    statuses = []

    def look():
      statuses.extend(row['status'] for row in self._rows())
      return self._pass()

    report = gpu_report.Report(self._path, {})
    report.run('first', self._pass)
    report.run('second', look)
    self.assertEqual(statuses, ['passed', 'running'])

  def test_no_check_starts_after_the_time_limit(self):
    report = gpu_report.Report(self._path, {}, time_limit=-1)
    check = mock.Mock()
    report.run('late', check)
    check.assert_not_called()
    self.assertEqual(self._rows()[0]['status'], 'not run')
    self.assertEqual(report.exit_code, 1)

  def test_the_machine_is_described(self):
    machine = gpu_report.describe_machine(None)
    self.assertEqual(machine['tensorflow'], tf.__version__)
    self.assertGreaterEqual(machine['cores'], 1)
    self.assertTrue(machine['cpu'])
    self.assertIsNone(machine['gpu'])


class CommandTest(absltest.TestCase):

  def test_trains_what_make_train_does(self):
    path = _ROOT / 'configs' / 'hidenseek.digits.cnn.flags'
    self.assertEqual(
        experiment_flags.values_from_file(str(path)), gpu_digits.DIGITS
    )

  def _run(self, gpus, *arguments):
    folder = self.create_tempdir().full_path
    with mock.patch.object(
        tf.config, 'list_physical_devices', return_value=gpus
    ), mock.patch.object(tf.config.experimental, 'set_memory_growth'):
      outcome = command_runs.run(
          'gpu_check', f'--output_dir={folder}', *arguments
      )
    return outcome, os.listdir(folder)

  def test_writes_what_it_found(self):
    for passed, exit_code in ((True, 0), (False, 1)):
      found = gpu_outcome.Outcome(passed, 'found', {})
      with self.subTest(passed=passed), mock.patch.object(
          gpu_checks, 'check_hello', return_value=found
      ), mock.patch.object(gpu_report, 'describe_machine', return_value={}):
        outcome, files = self._run(['gpu'], '--checks=hello')
        self.assertEqual(outcome.exit_code, exit_code)
        self.assertRegex(outcome.stdout, r'^hello +(passed|failed)')
        self.assertEqual(files, ['gpu_check.json'])

  def test_says_so_without_a_gpu(self):
    outcome, files = self._run([])
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(outcome.stderr, r'^error: TensorFlow finds no GPU .*\.\n$')
    self.assertEmpty(files)

  def test_names_the_checks_on_another_name(self):
    outcome, _ = self._run(['gpu'], '--checks=helo')
    self.assertEqual(outcome.exit_code, 2)
    self.assertIn("hello, rounds_W1_hidenseek, ", outcome.stderr)
    self.assertIn("found 'helo'", outcome.stderr)


if __name__ == '__main__':
  absltest.main()
