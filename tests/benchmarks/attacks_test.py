import json
import os
import shutil
import tempfile
import unittest
from unittest import mock

from benchmarks import attacks
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run

_TINY = dict(
    dataset='digits',
    model='linear',
    num_clients=4,
    clients_per_round=4,
    num_rounds=1,
    max_examples_per_client=100,
    num_epochs=5,
    batch_size=10,
)
_CONTENDER = dict(algorithm='fed_avg', aggregation='mean')


class AttacksTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)
    for name, value in (
        ('_EXPERIMENT', _TINY),
        ('_FRACTIONS', (0.5,)),
        ('_OUTPUT_DIR', mock.Mock(value=self._dir)),
    ):
      patch = mock.patch.object(attacks, name, value)
      patch.start()
      self.addCleanup(patch.stop)

  def _read(self, name):
    path = os.path.join(self._dir, f'{name}.seed3.json')
    with open(path, encoding='utf-8') as file:
      return json.load(file)['accuracy']

  def test_without_twins_a_run_is_that_of_train(self):
    attacks._run_all(3, _CONTENDER, 'against')
    config = config_lib.build_config({**_TINY, **_CONTENDER, 'seed': 3})
    federation = federation_lib.build_federation(config)
    run = training_run.TrainingRun(
        config, training_loop.build_algorithm(config, federation), federation, 4
    )
    run.train_round(1)
    honest = self._read('fed_avg,aggregation=mean,malicious_fraction=0.0')
    self.assertAlmostEqual(honest, run.global_accuracy())
    # Half of the updates are turned, and ten times as large.
    attacked = self._read(
        'fed_avg,aggregation=mean,attack=against,malicious_fraction=0.5'
    )
    self.assertLess(attacked, honest - 0.2)


if __name__ == '__main__':
  unittest.main()
