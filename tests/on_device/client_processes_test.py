"""Tests of the processes of a try-out."""

import os
import sys

from absl.testing import absltest

from tff_hidenseek.on_device import client_processes


class ClientProcessTest(absltest.TestCase):

  def _start(self, program):
    path = os.path.join(self.create_tempdir(), 'report.json')
    process = client_processes.ClientProcess(
        3, [sys.executable, '-c', program, path], path
    )
    self.addCleanup(process.kill)
    return process

  def test_reads_what_a_process_reports(self):
    process = self._start('import sys; open(sys.argv[1], "w").write("[7]")')
    self.assertEqual(process.read_report(30), [7])
    self.assertEqual(process.exit_status, 0)

  def test_process_that_fails_or_does_not_end_reports_nothing(self):
    process = self._start('import sys; sys.exit(5)')
    self.assertIsNone(process.read_report(30))
    self.assertEqual(process.exit_status, 5)
    process = self._start('import time; time.sleep(60)')
    self.assertIsNone(process.read_report(0.1))
    self.assertEqual(process.exit_status, -9)

  def test_too_few_that_are_left_are_an_error(self):
    processes = [
        self._start('import sys; sys.exit(5)'),
        self._start('import time; time.sleep(60)'),
    ]
    processes[0].read_report(30)
    client_processes.check_enough(processes, 1)
    with self.assertRaisesRegex(
        OSError,
        '1 of 2 clients have ended, and a round needs 2: client 3 with exit '
        'status 5',
    ):
      client_processes.check_enough(processes, 2)


if __name__ == '__main__':
  absltest.main()
