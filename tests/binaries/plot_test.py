import json
import os
import tempfile
import unittest

from tests.binaries import command_runs
from tff_hidenseek.experiments import metrics


def _write_run(run_dir, accuracies):
  os.makedirs(run_dir)
  with open(os.path.join(run_dir, 'metrics.jsonl'), 'w') as lines:
    for round_num, accuracy in enumerate(accuracies, 1):
      row = dict.fromkeys(metrics.METRIC_NAMES)
      row.update(
          round_num=round_num,
          global_accuracy=accuracy,
          total_bytes_up=1000 * round_num,
          total_bytes_down=1000 * round_num,
          bits_per_weight_up=1.0,
          bits_per_weight_down=1.0,
          seconds=1.0,
      )
      lines.write(json.dumps(row) + '\n')


class PlotTest(unittest.TestCase):

  def test_draws_runs_together(self):
    with tempfile.TemporaryDirectory() as root:
      for name, accuracies in (('one', [0.1, 0.5]), ('two', [0.2, 0.75])):
        _write_run(os.path.join(root, name), accuracies)
      outcome = command_runs.run(
          'plot',
          f'--run_dirs={root}/one,{root}/two/',
          f'--output_dir={root}/both',
      )
      self.assertEqual(outcome.exit_code, 0, outcome.stderr)
      self.assertRegex(outcome.stdout, 'global accuracy +0.5000 +0.7500')
      self.assertCountEqual(
          os.listdir(os.path.join(root, 'both', 'plots')),
          ['accuracy_over_rounds.png', 'accuracy_over_megabytes.png'],
      )

  def test_a_run_that_diverged_is_told(self):
    with tempfile.TemporaryDirectory() as root:
      _write_run(f'{root}/run', [0.1, 0.2])
      with open(f'{root}/run/diverged.json', 'w', encoding='utf-8') as file:
        json.dump(dict(round_num=3, reason='`train_loss` is nan'), file)
      outcome = command_runs.run(
          'plot', f'--run_dirs={root}/run', f'--output_dir={root}/out'
      )
      self.assertIn('run diverged at round 3.', outcome.stdout)

  def test_runs_whose_folders_share_a_name_are_told_apart(self):
    with tempfile.TemporaryDirectory() as root:
      folders = [f'{root}/{name}' for name in ('a/run', 'b/run', 'b/other')]
      for i, folder in enumerate(folders):
        _write_run(folder, [i / 10])
      outcome = command_runs.run(
          'plot',
          f'--run_dirs={",".join(folders)}',
          f'--output_dir={root}/both',
      )
      self.assertEqual(outcome.exit_code, 0, outcome.stderr)
      self.assertEqual(
          outcome.stdout.splitlines()[0].split(), ['a/run', 'b/run', 'other']
      )
      self.assertRegex(
          outcome.stdout, 'global accuracy +0.0000 +0.1000 +0.2000'
      )

  def test_a_run_that_is_named_twice_is_an_error(self):
    with tempfile.TemporaryDirectory() as root:
      _write_run(f'{root}/run', [0.1])
      outcome = command_runs.run(
          'plot', f'--run_dirs={root}/run,{root}/run/', f'--output_dir={root}/x'
      )
      self.assertEqual(outcome.exit_code, 2)
      self.assertIn('must be different folders', outcome.stderr)

  def test_a_folder_without_a_run_is_an_error(self):
    with tempfile.TemporaryDirectory() as root:
      outcome = command_runs.run(
          'plot', f'--run_dirs={root}', f'--output_dir={root}/out'
      )
      self.assertEqual(outcome.exit_code, 2)
      self.assertIn('must hold metrics of runs', outcome.stderr)


if __name__ == '__main__':
  unittest.main()
