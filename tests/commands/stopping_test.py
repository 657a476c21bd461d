"""Ctrl-C and SIGTERM at several moments of a command."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import psutil

from tests.binaries import command_runs

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_START_SECONDS = 120

# Heeds Ctrl-C, though the tests may run in a shell's background.
_HEEDING = (
    'import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); '
    'os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'
)

# Computes in one call for minutes, with a child, and catches what it can.
_DEAF = """
import subprocess, sys
from tff_hidenseek.commands import command_line
import numpy as np

def main(argv):
  child = subprocess.Popen(['sleep', '600'], start_new_session=True)
  print(child.pid, flush=True)
  while True:
    try:
      np.linalg.svd(np.ones([6000, 6000]))
    except KeyboardInterrupt:
      pass

command_line.run(main, 'Stopped; nothing was lost.')
"""


class StoppingTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._run_dir = pathlib.Path(folder.name) / 'run'

  def _start(self, *arguments):
    program = subprocess.Popen(
        [sys.executable, '-c', _HEEDING, *arguments],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    self.addCleanup(program.wait)
    self.addCleanup(program.kill)
    return program

  def _train(self, *arguments):
    return self._start(
        '-m', 'binaries.train', *command_runs.TINY_FLAGS,
        '--rounds_per_checkpoint=1', '--rounds_per_personal_evaluation=0',
        f'--output_dir={self._run_dir}', *arguments,
    )

  def _wait_for(self, program, moment):
    deadline = time.monotonic() + _START_SECONDS
    while not moment():
      if program.poll() is not None:
        self.fail(program.communicate())
      self.assertLess(time.monotonic(), deadline)
      time.sleep(0.002)

  def _stop(self, program, signum):
    """Returns what the program said, line by line."""
    self.assertIsNone(program.poll())
    program.send_signal(signum)
    _, errors = program.communicate(timeout=20)
    self.assertEqual(program.returncode, 130, errors)
    self.assertNotIn('Traceback', errors)
    return errors.splitlines()

  def test_stops_while_it_imports(self):
    for signum in (signal.SIGINT, signal.SIGTERM):
      with self.subTest(signum.name):
        program = self._train()
        maps = pathlib.Path(f'/proc/{program.pid}/maps')
        self._wait_for(
            program, lambda maps=maps: 'tensorflow' in maps.read_text()
        )
        self.assertEqual(self._stop(program, signum), ['Stopped.'])

  def test_stops_before_and_in_a_round_and_resumes(self):
    sentence = (
        'Stopped; the same command with --resume goes on from the last '
        'checkpoint.'
    )
    program = self._train('--num_rounds=60')
    self._wait_for(program, (self._run_dir / 'config.flags').exists)
    self.assertEqual(self._stop(program, signal.SIGINT)[-1], sentence)

    program = self._train('--num_rounds=60', '--resume')
    metrics = self._run_dir / 'metrics.jsonl'
    self._wait_for(
        program, lambda: metrics.exists() and metrics.stat().st_size > 0
    )
    said = self._stop(program, signal.SIGINT)
    # The bar of the rounds, whose states end in a carriage return.
    self.assertEqual([line for line in said if 'round/s' not in line][-1:],
                     [sentence])
    num_rounds = len(metrics.read_text().splitlines())
    self.assertLess(num_rounds, 60)

    outcome = command_runs.run(
        'train', *command_runs.TINY_FLAGS, '--rounds_per_checkpoint=1',
        '--rounds_per_personal_evaluation=0',
        f'--output_dir={self._run_dir}', '--num_rounds=60', '--resume',
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    rows = [json.loads(row) for row in metrics.read_text().splitlines()]
    self.assertEqual([row['round_num'] for row in rows], list(range(1, 61)))

  def test_stops_in_a_long_call_and_ends_what_it_started(self):
    program = self._start('-c', _DEAF)
    child = psutil.Process(int(program.stdout.readline()))
    time.sleep(0.5)
    self.assertEqual(
        self._stop(program, signal.SIGINT), ['Stopped; nothing was lost.']
    )
    self.assertFalse(child.is_running() and child.status() != 'zombie')

  def test_a_program_that_ignores_interrupts_goes_on_doing_so(self):
    code = (
        'import os, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN);'
        'from tff_hidenseek.commands import stopping; stopping.watch();'
        'os.kill(os.getpid(), signal.SIGINT); time.sleep(0.5); print(1)'
    )
    program = self._start('-c', code)
    self.assertEqual(program.communicate(timeout=60), ('1\n', ''))


class QuietTensorFlowTest(unittest.TestCase):

  def _import(self, text, level='3'):
    """Returns what an import of a `tensorflow` that says `text` prints."""
    with tempfile.TemporaryDirectory() as folder:
      module = pathlib.Path(folder) / 'tensorflow.py'
      module.write_text(f'import os\nos.write(2, {text!r}.encode())\n1 / 0\n')
      outcome = subprocess.run(
          [sys.executable, '-c', 'import binaries, tensorflow'],
          capture_output=True,
          cwd=_ROOT,
          env={
              **os.environ,
              'PYTHONPATH': folder,
              'TF_CPP_MIN_LOG_LEVEL': level,
          },
          check=False,
          text=True,
      )
    return outcome.stderr

  def test_prints_all_but_the_notices(self):
    text = (
        'WARNING: All log messages before absl::InitializeLog() is called are '
        'written to STDERR\n'
        'I0000 00:00:1.5    3908 port.cc:153] oneDNN custom operations.\n'
        'E0000 00:00:1.5    3908 port.cc:153] Something is wrong.\n'
    )
    said = self._import(text)
    self.assertStartsWith(said, 'E0000 00:00:1.5    3908 port.cc:153] Some')
    self.assertIn('ZeroDivisionError', said)
    self.assertStartsWith(self._import(text, level='0'), 'WARNING: All log')

  def assertStartsWith(self, text, start):
    self.assertEqual(text[:len(start)], start)

  def test_a_command_says_nothing_when_it_starts(self):
    outcome = subprocess.run(
        [sys.executable, '-m', 'binaries.train', '--helpshort'],
        capture_output=True,
        cwd=_ROOT,
        check=False,
    )
    self.assertEqual(outcome.stderr, b'')


if __name__ == '__main__':
  unittest.main()
