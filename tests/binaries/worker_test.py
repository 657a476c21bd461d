import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

import portpicker

from tff_hidenseek.runtimes import worker_channel

_ROOT = pathlib.Path(__file__).resolve().parents[2]
# Nobody answers there.
_PROXIES = dict.fromkeys(
    ('grpc_proxy', 'http_proxy', 'https_proxy', 'ALL_PROXY'),
    'http://127.0.0.1:9',
)


class WorkerTest(unittest.TestCase):

  def _start(self, port):
    program = subprocess.Popen(
        [sys.executable, '-m', 'binaries.worker', f'--port={port}'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, **_PROXIES},
        text=True,
    )
    self.addCleanup(program.communicate)
    self.addCleanup(program.kill)
    return program

  def _assert_refused(self, port):
    program = self._start(port)
    stdout, errors = program.communicate(timeout=60)
    self.assertEqual((program.returncode, stdout), (2, ''))
    self.assertRegex(
        errors, rf'^error: `port` must be free, found {port} taken.*\n$'
    )

  def test_serves_alone_with_a_warning_until_it_is_terminated(self):
    port = portpicker.pick_unused_port()
    program = self._start(port)
    self.assertIn(f'serves port {port}', program.stdout.readline())
    self.assertIn('ALL network interfaces', program.stdout.readline())
    channel = worker_channel.open_channel(f'localhost:{port}')
    self.addCleanup(channel.close)
    self.assertTrue(worker_channel.is_alive(channel, timeout=5.0))
    self._assert_refused(port)
    program.send_signal(signal.SIGTERM)
    _, errors = program.communicate(timeout=30)
    self.assertEqual(
        (program.returncode, errors), (130, 'Stopped; the worker has ended.\n')
    )
    self.assertFalse(worker_channel.is_alive(channel, timeout=1.0))

  def test_refuses_the_port_of_another_program(self):
    with socket.create_server(('127.0.0.1', 0)) as server:
      self._assert_refused(server.getsockname()[1])


if __name__ == '__main__':
  unittest.main()
