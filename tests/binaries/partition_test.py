"""The command for partition files."""

import os
import tempfile
import unittest

import numpy as np

from tests.binaries import command_runs
from tff_hidenseek.data import partition_files
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib

_SHARDS = ('--partition=shards', '--num_clients=5')


class PartitionTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._path = os.path.join(folder.name, 'shards.npz')
    self._plot = os.path.join(folder.name, 'shards.png')

  def test_writes_and_draws_what_a_run_would_have(self):
    outcome = command_runs.run(
        'partition', *_SHARDS, '--seed=3', f'--output={self._path}',
        f'--plot={self._plot}',
    )
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertRegex(outcome.stdout, '5 clients, each with\n')
    self.assertIn('\n  2 to 2 classes\n', outcome.stdout)
    self.assertIn('1438 of 1438 training examples are used.', outcome.stdout)
    with open(self._plot, 'rb') as file:
      self.assertEqual(file.read(4), b'\x89PNG')
    federation = federation_lib.build_federation(
        config_lib.build_config(
            dict(
                partition='shards', num_clients=5, clients_per_round=1, seed=3
            )
        )
    )
    written = partition_files.load_partition(self._path, 1438)
    for split in ('train_indices', 'test_indices'):
      expected = getattr(federation.partition, split)
      for found, indices in zip(getattr(written, split), expected):
        np.testing.assert_array_equal(found, indices)

  def test_checks_a_file(self):
    command_runs.run('partition', *_SHARDS, f'--output={self._path}')
    outcome = command_runs.run('partition', f'--check={self._path}')
    self.assertEqual(outcome.exit_code, 0, outcome.stderr)
    self.assertRegex(outcome.stdout, '5 clients, each with\n')
    np.savez(
        self._path,
        train_indices=[0, 1438], train_sizes=[1, 1],
        test_indices=[2, 3], test_sizes=[1, 1],
    )
    outcome = command_runs.run('partition', f'--check={self._path}')
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(
        outcome.stderr,
        r'\Aerror: \S+shards.npz: the indices must be in \[0, 1438\), [^\n]* '
        r'found 1438.\n\Z',
    )

  def test_refuses_flags_that_do_not_fit(self):
    for arguments, message in (
        ((), '`output`, `plot` or `check` must be a file, found none'),
        (('--output=a', '--check=b'), '`output` must not come with `check`'),
        (('--output=a', '--validation_fraction=0.2'),
         '`validation_fraction` must be 0 in a partition'),
        (('--check=/no/such.npz',), '/no/such.npz: must be a .npz file'),
    ):
      with self.subTest(message=message):
        outcome = command_runs.run('partition', *arguments)
        self.assertEqual(outcome.exit_code, 2)
        self.assertRegex(outcome.stderr, rf'\Aerror: {message}[^\n]*\n\Z')


if __name__ == '__main__':
  unittest.main()
