"""Tests of training on TFLite interpreters, against the simulation."""

import json
import os
import re
import signal
import subprocess
import sys

from absl.testing import absltest
from absl.testing import parameterized

from tests.binaries import command_runs

_CONFIG = '--flagfile=configs/hidenseek.digits.device.flags'
_NUM_CLIENTS = 4


def _command(program, *arguments):
  return [sys.executable, '-m', program, _CONFIG, '--seed=1', *arguments]


def _run(program, *arguments):
  result = subprocess.run(
      _command(program, *arguments), capture_output=True, check=True, text=True
  )
  return result.stdout + result.stderr


def _run_until(line_start, *arguments):
  """Kills the server, and so its clients, once it prints such a line."""
  with subprocess.Popen(
      _command('binaries.device_server', *arguments),
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
  ) as server:
    for line in server.stdout:
      if line.startswith(line_start):
        server.send_signal(signal.SIGKILL)
        return
  raise AssertionError(f'The server never said {line_start}.')


def _global_accuracy(output):
  return float(re.search(r'global accuracy\s+([0-9.]+)', output).group(1))


class DeviceServerTest(parameterized.TestCase):

  def test_devices_learn_as_the_simulation_does_also_masked_and_killed(self):
    folder = self.create_tempdir().full_path
    devices = os.path.join(folder, 'devices')
    _run('binaries.device_server', '--num_rounds=3', f'--output_dir={devices}')
    after_3_rounds = _read_state(devices)
    output = _run(
        'binaries.device_server', '--resume', f'--output_dir={devices}'
    )
    for client_id in range(_NUM_CLIENTS):
      with open(os.path.join(devices, f'client_{client_id}.json')) as file:
        report = json.load(file)
      self.assertFalse(report['has_tensorflow'])
      self.assertLess(report['peak_memory_mib'], 150)
      self.assertGreater(report['median_step_ms'], 0)
    simulated = _run('binaries.train', f'--output_dir={folder}/simulation')
    on_devices = _global_accuracy(output)
    self.assertGreater(on_devices, 0.7)
    self.assertAlmostEqual(
        on_devices, _global_accuracy(simulated), delta=0.06
    )

    masked = os.path.join(folder, 'masked')
    flags = (
        '--secure_aggregation',
        '--self_signed',
        '--num_rounds=3',
        f'--output_dir={masked}',
    )
    _run_until('round 1:', *flags)
    output = _run('binaries.device_server', '--resume', *flags)
    self.assertNotIn('round 1:', output)
    self.assertIn('listening at https://', output)
    self.assertEqual(_read_state(masked), after_3_rounds)

  @parameterized.parameters(
      ('--client_optimizer=adam', "`client_optimizer` must be 'sgd'"),
      ('--votes=moves', "`votes` must be 'signs'"),
      ('--class_prior', '`class_prior` must be False'),
      ('--dropout_rate=0.5', '`dropout_rate` must be 0 on devices'),
      ('--clients_per_round=2', '`clients_per_round` must be `num_clients'),
      ('--quorum=5', r'`quorum` must be in \[1, 4\], found 5'),
      (
          '--secure_aggregation --quorum=2',
          r'`quorum` must be in \[3, 4\] with --secure_aggregation, found 2',
      ),
      ('--host=0.0.0.0', '`host` must be this machine.*without TLS'),
      ('--certificate=x', '`certificate` and `private_key` must be given tog'),
      (
          '--certificate=x --private_key=y --self_signed',
          '`self_signed` must not be given with `certificate`',
      ),
      ('--certificate=x --private_key=y', '`certificate` and .* be files'),
      (
          '--enrolment_token=x --enrolment_token_file=y',
          '`enrolment_token` must not be given with `enrolment_token_file`',
      ),
      (
          '--web --secure_aggregation',
          '`secure_aggregation` must not be given with `web`',
      ),
      (
          '--web --web_clients=5',
          '`web_clients` must be at most `num_clients`, found 5 and 4',
      ),
      ('--enrolment_token=', '`enrolment_token` must not be empty'),
  )
  def test_what_cannot_be_is_refused_in_a_line(self, flags, rule):
    outcome = command_runs.run(
        'device_server',
        _CONFIG,
        *flags.split(),
        f'--output_dir={self.create_tempdir().full_path}/run',
    )
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(outcome.stderr, f'^error: {rule}.*\n$')


def _read_state(folder):
  with open(os.path.join(folder, 'rounds.state'), 'rb') as file:
    return file.read()


if __name__ == '__main__':
  absltest.main()
