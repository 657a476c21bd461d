import json
import os
import tempfile
from unittest import mock

from absl.testing import absltest

from tff_hidenseek.comparisons import plan
from tff_hidenseek.comparisons import results
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import shipped_model


class ReadTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._dir = folder.name

  def _make_run(self, seed, *written):
    """Makes a run and files in its folder, each its name and its text."""
    run_dir = os.path.join(self._dir, f'seed{seed}')
    os.makedirs(run_dir)
    for name, text in written:
      with open(os.path.join(run_dir, name), 'w', encoding='utf-8') as file:
        file.write(text)
    config = config_lib.build_config(
        dict(algorithm='fed_avg', seed=seed, num_rounds=9)
    )
    return plan.PlannedRun(label='fed_avg', config=config, run_dir=run_dir)

  def test_a_run_has_finished_or_diverged_or_neither(self):
    note = json.dumps(dict(round_num=3, reason='`train_loss` is nan'))
    runs = [
        self._make_run(0, (run_folder.FINAL_MODEL_FILE, '')),
        self._make_run(1, (divergence.DIVERGENCE_FILE, note)),
        self._make_run(2),
    ]
    with mock.patch.object(
        shipped_model, 'measure', return_value=None
    ):
      read = results.read(runs)
    self.assertEqual([r.config.seed for r in read.finished], [0])
    self.assertEqual(
        read.diverged,
        [
            results.Diverged(
                name='digits.iid fed_avg seed 1',
                round_num=3,
                of_rounds=9,
                reason='`train_loss` is nan',
            )
        ],
    )
    self.assertEqual(
        [r.name for r in read.unfinished], ['digits.iid fed_avg seed 2']
    )


if __name__ == '__main__':
  absltest.main()
