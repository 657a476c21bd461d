"""Runs that are killed at any moment end with the bits of undisturbed ones."""

import csv
import glob
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import numpy as np
import tensorflow as tf

from tests.binaries import command_runs
from tff_hidenseek.experiments import metrics

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_NUM_ROUNDS = 24
_ARGUMENTS = (
    *command_runs.TINY_FLAGS,
    f'--num_rounds={_NUM_ROUNDS}',
    '--rounds_per_checkpoint=1',
    '--rounds_per_personal_evaluation=5',
    '--votes=moves',
    '--resume',
)
_START_SECONDS = 120


def _train_until(run_dir, moment):
  """Runs the command and kills it as soon as `moment()` says so."""
  program = subprocess.Popen(
      [sys.executable, '-m', 'binaries.train', *_ARGUMENTS,
       f'--output_dir={run_dir}'],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      cwd=_ROOT,
      env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
  )
  try:
    deadline = time.monotonic() + _START_SECONDS
    while program.poll() is None and not moment():
      if time.monotonic() > deadline:
        raise TimeoutError('The moment never came.')
      time.sleep(0.0005)
  finally:
    program.kill()
  return program.wait()


def _read_run(run_dir):
  """Returns what must be equal: rows without seconds, and weights."""
  rows = metrics.read_rows(run_dir)
  with open(
      os.path.join(run_dir, 'metrics.csv'), newline='', encoding='utf-8'
  ) as table:
    table_rows = list(csv.DictReader(table))
  for row in rows + table_rows:
    del row['seconds']
  model = tf.keras.models.load_model(
      os.path.join(run_dir, 'final_model.keras')
  )
  return rows, table_rows, model.get_weights()


class KillTest(unittest.TestCase):

  def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(self):
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
      undisturbed = os.path.join(folder, 'undisturbed')
      outcome = command_runs.run(
          'train', *_ARGUMENTS, f'--output_dir={undisturbed}'
      )
      self.assertEqual(outcome.exit_code, 0, outcome.stderr)
      killed = os.path.join(folder, 'killed')
      checkpoint = os.path.join(killed, 'checkpoints', 'checkpoint_')

      def is_writing(round_num):
        return bool(glob.glob(f'{checkpoint}{round_num}_temp*'))

      def is_past(round_num):
        if not os.path.exists(f'{checkpoint}{round_num}'):
          return False
        time.sleep(rng.uniform(0, 0.3))
        return True

      for moment in (
          lambda: is_writing(3),
          lambda: is_past(7),
          lambda: is_writing(21),
      ):
        exit_code = _train_until(killed, moment)
        self.assertEqual(exit_code, -signal.SIGKILL)
      self.assertTrue(glob.glob(f'{checkpoint}*_temp*'))
      outcome = command_runs.run('train', *_ARGUMENTS, f'--output_dir={killed}')
      self.assertEqual(outcome.exit_code, 0, outcome.stderr)
      rows, table_rows, weights = _read_run(undisturbed)
      self.assertEqual(len(rows), _NUM_ROUNDS)
      other_rows, other_table_rows, other_weights = _read_run(killed)
      self.assertEqual(rows, other_rows)
      self.assertEqual(table_rows, other_table_rows)
      for expected, got in zip(weights, other_weights):
        np.testing.assert_array_equal(expected, got)
      self.assertFalse(glob.glob(f'{checkpoint}*_temp*'))


if __name__ == '__main__':
  unittest.main()
