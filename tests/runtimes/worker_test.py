import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
import time
import unittest
from unittest import mock

import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.runtimes import worker
from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_process

_ROOT = pathlib.Path(__file__).resolve().parents[2]

_PROGRAM = textwrap.dedent("""
    import sys, time
    import binaries  # As a command: TensorFlow's import says nothing.
    import numpy as np
    import tensorflow_federated as tff
    from tff_hidenseek.runtimes import worker

    context = worker.create_worker_context()
    tff.framework.set_default_context(context)

    @tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
    def add(values):
      return tff.federated_sum(values)

    assert add([1, 2]) == 3
    service = context.executor_factory._executor_stack_fn.__self__
    print(service._process.pid, flush=True)
    if sys.argv[1] == 'raise':
      raise KeyError('deliberate')
    if sys.argv[1] == 'sleep':
      time.sleep(600)
""")


@tff.tensorflow.computation(np.int32)
def _double(value):
  return 2 * value


@tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
def _sum_of_doubles(values):
  return tff.federated_sum(tff.federated_map(_double, values))


def _is_alive(pid):
  try:
    with open(f'/proc/{pid}/stat', encoding='utf-8') as stat:
      return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
  except FileNotFoundError:
    return False


class WorkerLifetimeTest(unittest.TestCase):
  """Four programs at once; each prints its worker's pid, then ends its way."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    env = {**os.environ, 'PYTHONPATH': str(_ROOT), 'TF_CPP_MIN_LOG_LEVEL': '3'}
    endings = {
        'return': 'return', 'raise': 'raise', 'term': 'sleep', 'kill': 'sleep'
    }
    cls._programs = {
        name: subprocess.Popen(
            [sys.executable, '-c', _PROGRAM, ending],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            text=True,
        )
        for name, ending in endings.items()
    }

  def _end(self, name, send=None):
    program = self._programs[name]
    pid = int(program.stdout.readline())
    if send is not None:
      self.assertTrue(_is_alive(pid))
      program.send_signal(send)
    # `communicate` returns at the pipes' end: a worker that held them would
    # keep it, as it would keep `program | cat`.
    _, errors = program.communicate(timeout=60)
    deadline = time.monotonic() + 5
    while _is_alive(pid) and time.monotonic() < deadline:
      time.sleep(0.02)
    self.assertFalse(_is_alive(pid))
    return errors

  def test_worker_ends_quietly_with_a_program_that_returns(self):
    self.assertEqual(self._end('return'), '')

  def test_worker_ends_with_a_program_that_raises(self):
    self.assertIn('deliberate', self._end('raise'))

  def test_worker_ends_with_a_terminated_program(self):
    self._end('term', signal.SIGTERM)

  def test_worker_ends_with_a_killed_program(self):
    self._end('kill', signal.SIGKILL)


class WorkerContextTest(unittest.TestCase):

  def test_reports_a_dead_worker_and_starts_another(self):
    context = worker.create_worker_context()
    with tff.framework.get_context_stack().install(context):
      self.assertEqual(_sum_of_doubles([1, 2]), 6)
      service = context.executor_factory._executor_stack_fn.__self__
      os.kill(service._process.pid, signal.SIGKILL)
      with self.assertRaisesRegex(
          worker_channel.WorkerError, 'ended with exit status -9'
      ):
        _sum_of_doubles([1, 2, 3])
      self.assertEqual(_sum_of_doubles([1, 2]), 6)

  def test_worker_ends_with_its_context(self):
    context = worker.create_worker_context()
    with tff.framework.get_context_stack().install(context):
      _sum_of_doubles([1])
    pid = context.executor_factory._executor_stack_fn.__self__._process.pid
    del context
    self.assertFalse(_is_alive(pid))

  def test_raises_on_a_worker_that_is_not_ready_in_time(self):
    context = worker.create_worker_context(start_timeout=1e-3)
    with tff.framework.get_context_stack().install(context):
      with self.assertRaisesRegex(TimeoutError, 'not ready within 0.001 s'):
        _sum_of_doubles([1])

  def test_raises_on_a_start_timeout_of_zero(self):
    with self.assertRaisesRegex(ValueError, '`start_timeout` must be positive'):
      worker.create_worker_context(start_timeout=0)

  def test_raises_on_a_log_that_can_not_be_written(self):
    with self.assertRaisesRegex(
        worker_channel.WorkerError, 'can not be started'
    ):
      worker_process.WorkerProcess(log_path='/nonexistent/worker.log')

  def test_a_port_has_one_worker_until_that_has_ended(self):
    first = worker_process.WorkerProcess()
    with self.assertRaisesRegex(
        worker_channel.WorkerError,
        rf'`port` must be free, found {first.port} taken',
    ):
      worker_process.WorkerProcess(first.port)
    first.stop()
    worker_process.WorkerProcess(first.port).stop()

  def test_raises_on_the_port_of_another_program(self):
    with socket.create_server(('127.0.0.1', 0)) as server:
      with self.assertRaisesRegex(worker_channel.WorkerError, 'taken'):
        worker_process.reserve_port(server.getsockname()[1])

  def test_goes_past_proxies(self):
    proxy = 'http://127.0.0.1:9'  # Nobody answers there.
    proxies = {'grpc_proxy': proxy, 'http_proxy': proxy, 'https_proxy': proxy}
    with mock.patch.dict(os.environ, proxies):
      context = worker.create_worker_context(start_timeout=20.0)
      with tff.framework.get_context_stack().install(context):
        self.assertEqual(_sum_of_doubles([1, 2]), 6)


if __name__ == '__main__':
  unittest.main()
