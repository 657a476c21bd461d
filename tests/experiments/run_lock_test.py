import os
import signal
import shutil
import subprocess
import sys
import tempfile

from absl.testing import absltest

from tff_hidenseek.experiments import run_lock

_HOLDER = """
import sys
from tff_hidenseek.experiments import run_lock
with run_lock.hold(sys.argv[1]):
  print('held', flush=True)
  sys.stdin.read()
"""


class RunLockTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = os.path.join(tempfile.mkdtemp(), 'run')
    self.addCleanup(shutil.rmtree, os.path.dirname(self._dir))

  def test_a_second_program_is_refused_until_the_first_is_killed(self):
    holder = subprocess.Popen(
        [sys.executable, '-c', _HOLDER, self._dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    self.assertEqual(holder.stdout.readline(), b'held\n')
    with self.assertRaisesRegex(
        ValueError, f'must not be in use, found .* writes to {self._dir}'
    ):
      with run_lock.hold(self._dir):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with run_lock.hold(self._dir):
      self.assertEqual(os.listdir(self._dir), [])

  def test_is_free_again_after_an_error(self):
    with self.assertRaises(KeyError):
      with run_lock.hold(self._dir):
        raise KeyError
    with run_lock.hold(self._dir):
      pass


if __name__ == '__main__':
  absltest.main()
