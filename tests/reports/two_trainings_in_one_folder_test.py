"""Two trainings in one folder left 10 of 300 rows, and a traceback in one."""

import os
import tempfile

from absl.testing import absltest

from tests.binaries import command_runs
from tff_hidenseek.experiments import run_lock


class TwoTrainingsInOneFolderTest(absltest.TestCase):

  def test_the_second_is_refused_in_a_line_and_writes_nothing(self):
    with tempfile.TemporaryDirectory() as run_dir, run_lock.hold(run_dir):
      outcome = command_runs.run(
          'train', *command_runs.TINY_FLAGS, f'--output_dir={run_dir}')
      self.assertEqual(outcome.exit_code, 2)
      self.assertRegex(
          outcome.stderr,
          r'\Aerror: `output_dir` must not be in use, found another program '
          r'that writes to \S+\.\n\Z',
      )
      self.assertEmpty(os.listdir(run_dir))


if __name__ == '__main__':
  absltest.main()
