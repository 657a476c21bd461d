"""Tests of training on TFLite interpreters, against the simulation."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

_CONFIG = '--flagfile=configs/hidenseek.digits.device.flags'
_NUM_CLIENTS = 4


def _run(program, *arguments, check=True):
  result = subprocess.run(
      [sys.executable, '-m', program, _CONFIG, '--seed=1', *arguments],
      capture_output=True,
      check=check,
      text=True,
  )
  return result.stdout + result.stderr


def _global_accuracy(output):
  return float(re.search(r'global accuracy\s+([0-9.]+)', output).group(1))


class DeviceServerTest(unittest.TestCase):

  def test_devices_learn_as_the_simulation_does(self):
    with tempfile.TemporaryDirectory() as folder:
      devices = os.path.join(folder, 'devices')
      output = _run('binaries.device_server', f'--output_dir={devices}')
      for client_id in range(_NUM_CLIENTS):
        with open(os.path.join(devices, f'client_{client_id}.json')) as file:
          report = json.load(file)
        self.assertFalse(report['has_tensorflow'])
        self.assertLess(report['peak_memory_mib'], 150)
        self.assertGreater(report['median_step_ms'], 0)
      simulation = os.path.join(folder, 'simulation')
      simulated = _run('binaries.train', f'--output_dir={simulation}')
    on_devices = _global_accuracy(output)
    self.assertGreater(on_devices, 0.7)
    self.assertAlmostEqual(
        on_devices, _global_accuracy(simulated), delta=0.06
    )

  def test_what_devices_cannot_do_is_refused_in_a_line(self):
    with tempfile.TemporaryDirectory() as folder:
      for flag, rule in (
          ('--client_optimizer=adam', "`client_optimizer` must be 'sgd'"),
          ('--votes=moves', "`votes` must be 'signs'"),
          ('--class_prior', '`class_prior` must be False'),
          ('--clients_per_round=2', '`clients_per_round` must be `num_clients'),
      ):
        output = _run(
            'binaries.device_server', flag, f'--output_dir={folder}/run',
            check=False,
        )
        self.assertIn(f'error: {rule}', output)


if __name__ == '__main__':
  unittest.main()
