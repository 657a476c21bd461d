"""--batch_size=1000000000000000000000000000000 ended in a traceback."""

import tempfile

from absl.testing import absltest

from tests.binaries import command_runs
from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import config


class HugeBatchSizeTest(absltest.TestCase):

  def test_it_is_refused_in_a_line(self):
    with tempfile.TemporaryDirectory() as folder:
      outcome = command_runs.run(
          'train', f'--batch_size={10**30}', f'--output_dir={folder}/run')
    self.assertEqual(outcome.exit_code, 2)
    self.assertEqual(
        outcome.stderr,
        f'error: `batch_size` must be at most {2**31 - 1}, found {10**30}.\n',
    )

  def test_so_is_every_count(self):
    for name in registry.ALGORITHMS:
      values = config.build_config({'algorithm': name}).flag_values()
      for option, value in values.items():
        if type(value) is int:
          with self.assertRaisesRegex(ValueError, f'`{option}` must be at '):
            config.build_config({'algorithm': name, option: 2**31})


if __name__ == '__main__':
  absltest.main()
