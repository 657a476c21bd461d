import os
import pathlib
import signal
import subprocess
import sys
import unittest

import portpicker

from tff_hidenseek.runtimes import worker_channel

_ROOT = pathlib.Path(__file__).resolve().parents[2]


class WorkerTest(unittest.TestCase):

  def test_serves_with_a_warning_until_it_is_terminated(self):
    port = portpicker.pick_unused_port()
    program = subprocess.Popen(
        [sys.executable, '-m', 'binaries.worker', f'--port={port}'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
        text=True,
    )
    self.addCleanup(program.kill)
    self.assertIn(f'serves port {port}', program.stdout.readline())
    self.assertIn('ALL network interfaces', program.stdout.readline())
    channel = worker_channel.open_channel(f'localhost:{port}')
    self.addCleanup(channel.close)
    self.assertTrue(worker_channel.is_alive(channel, timeout=5.0))
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=30)
    self.assertEqual((program.returncode, errors), (0, ''))
    self.assertFalse(worker_channel.is_alive(channel, timeout=1.0))


if __name__ == '__main__':
  unittest.main()
