import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from absl.testing import absltest

from tff_hidenseek.comparisons import child_commands

_ROOT = pathlib.Path(__file__).resolve().parents[2]
# Runs a command that says its process id and then waits for a minute.
_PARENT = """
import sys
from tff_hidenseek.comparisons import child_commands
child_commands.run(
    [child_commands.Command('a', ['/bin/sh', '-c', 'echo $$; exec sleep 60'],
                            sys.argv[1])],
    1, environment={}, on_poll=lambda names: None, on_end=lambda *_: None)
"""


def _is_running(pid):
  """Whether there is such a process, and not only its exit status."""
  try:
    status = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='utf-8')
  except FileNotFoundError:
    return False
  return status.rpartition(')')[2].split()[0] != 'Z'


def _wait_until(condition):
  deadline = time.monotonic() + 60
  while not condition():
    if time.monotonic() > deadline:
      raise TimeoutError('It never came.')
    time.sleep(0.02)


class RunTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._dir = folder.name
    self._polls, self._ends = [], []

  def _log(self, name):
    return os.path.join(self._dir, 'logs', name)

  def _run(self, scripts, num_parallel=1, on_poll=None):
    child_commands.run(
        [
            child_commands.Command(
                name, ['/bin/sh', '-c', script], self._log(name)
            )
            for name, script in scripts.items()
        ],
        num_parallel,
        environment=dict(GREETING='hello'),
        on_poll=on_poll or self._polls.append,
        on_end=lambda *end: self._ends.append(end),
    )

  def _read_log(self, name):
    return pathlib.Path(self._log(name)).read_text(encoding='utf-8')

  def test_says_how_each_ended_and_goes_on_after_a_failure(self):
    self._run(dict(a='exit 3', b='kill -9 $$', c='echo $GREETING'))
    self.assertEqual(self._ends, [('a', 3), ('b', -9), ('c', 0)])
    self.assertEqual(self._read_log('c'), 'hello\n')

  def test_runs_as_many_at_a_time_as_it_is_told(self):
    self._run(dict.fromkeys('abcd', 'sleep 0.6'), num_parallel=2)
    self.assertEqual(max(map(len, self._polls)), 2)
    self.assertCountEqual(self._ends, [(name, 0) for name in 'abcd'])

  def test_output_and_errors_go_to_the_log(self):
    self._run(dict(a='echo out; echo err >&2'))
    self.assertEqual(self._read_log('a'), 'out\nerr\n')

  def test_an_interrupt_ends_those_that_run_and_starts_no_other(self):
    def interrupt(names):
      del names
      _wait_until(
          lambda: os.path.exists(self._log('a')) and self._read_log('a')
      )
      raise KeyboardInterrupt

    with self.assertRaises(KeyboardInterrupt):
      self._run(dict(a='echo $$; exec sleep 60', b='true'), on_poll=interrupt)
    self.assertFalse(_is_running(int(self._read_log('a'))))
    self.assertFalse(os.path.exists(self._log('b')))

  def test_they_end_with_a_program_that_is_killed(self):
    program = subprocess.Popen(
        [sys.executable, '-c', _PARENT, self._log('a')],
        cwd=_ROOT,
        stderr=subprocess.DEVNULL,
    )
    self.addCleanup(program.wait)
    self.addCleanup(program.kill)
    _wait_until(lambda: os.path.exists(self._log('a')) and self._read_log('a'))
    pid = int(self._read_log('a'))
    self.assertTrue(_is_running(pid))
    os.kill(program.pid, signal.SIGKILL)
    _wait_until(lambda: not _is_running(pid))


class LastErrorTest(absltest.TestCase):

  def _last_error(self, text):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'log')
      pathlib.Path(path).write_text(text, encoding='utf-8')
      return child_commands.last_error(path)

  def test_is_the_line_that_says_so(self):
    self.assertEqual(
        self._last_error('1/2\r2/2\nerror: `x` is bad.\nmore\n'),
        'error: `x` is bad.',
    )

  def test_else_it_is_the_last_line(self):
    self.assertEqual(
        self._last_error('Traceback:\n  File\nTypeError: no\n\n'),
        'TypeError: no',
    )

  def test_silence_has_none(self):
    self.assertEqual(self._last_error('\n'), '')
    self.assertEqual(child_commands.last_error('no/such/file'), '')


if __name__ == '__main__':
  absltest.main()
