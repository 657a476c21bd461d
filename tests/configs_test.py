"""Every flag file of configs/ can be read, and what they hold runs."""

import math
import os
import pathlib
import shutil
import tempfile
from unittest import mock

from absl import flags
from absl.testing import absltest
from absl.testing import parameterized
import attrs
import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.algorithms import registry
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.data import datasets
from tff_hidenseek.data import image_dataset
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.runtimes import in_process

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_CONFIGS = [
    (path.name.replace('.', '_'), path)
    for path in sorted(_ROOT.glob('configs/*.flags'))
]


def _find_new(configs):
  """Returns the files that hold what none before holds.

  An algorithm, a model on its data, or a flag: the other files differ from
  these in numbers alone, and a test of each would trace the same again.
  """
  seen, new = set(), []
  # Those of small images first.
  for name, path in sorted(configs, key=lambda x: 'digits' not in x[0]):
    given = experiment_flags.values_from_file(str(path))
    held = {given['algorithm'], (given['dataset'], given['model']), *given}
    if held - seen:
      new.append((name, path))
    seen |= held
  return new


# What makes a run small, and not another one.
_SMALLER = (
    '--num_clients=4',
    '--num_unseen_clients=1',
    '--clients_per_round=2',
    '--num_rounds=2',
    '--num_epochs=1',
)


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _read_config(path, *more_flags):
  """Returns the config of a flag file as a command reads it."""
  flag_values = flags.FlagValues()
  experiment_flags.define_experiment_flags(flag_values)
  flag_values(['train', f'--flagfile={path}', *more_flags])
  return experiment_flags.config_from_flags(flag_values)


def _draw_examples(size, image_shape, num_classes):
  """Draws images of bytes, and labels among which is every class."""
  rng = np.random.default_rng(size)
  images = rng.integers(0, 256, (size, *image_shape), np.uint8)
  return images, np.arange(size) % num_classes


def _load_emnist(argument, data_dir):
  """Stands in for the loader: four writers."""
  del argument, data_dir
  return image_dataset.from_arrays(
      'emnist',
      *_draw_examples(80, (28, 28, 1), 62),
      *_draw_examples(20, (28, 28, 1), 62),
      num_classes=62,
      writers=np.arange(80) % 4,
  )


class ConfigsTest(parameterized.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._data_dir = tempfile.mkdtemp()
    cls.addClassCleanup(shutil.rmtree, cls._data_dir)
    for name, image_shape in (('mnist', (28, 28)), ('cifar10', (32, 32, 3))):
      x_train, y_train = _draw_examples(80, image_shape, 10)
      x_test, y_test = _draw_examples(20, image_shape, 10)
      np.savez(
          os.path.join(cls._data_dir, f'{name}.npz'),
          x_train=x_train,
          y_train=y_train,
          x_test=x_test,
          y_test=y_test,
      )

  @parameterized.named_parameters(*_CONFIGS)
  def test_is_named_after_what_it_describes(self, path):
    config = _read_config(path)
    algorithm, dataset, *_ = path.name.split('.')
    self.assertEqual(config.algorithm, algorithm)
    self.assertEqual(config.dataset.partition(':')[0], dataset)

  @parameterized.named_parameters(*_find_new(_CONFIGS))
  def test_runs_two_rounds(self, path):
    smaller = [*_SMALLER, f'--data_dir={self._data_dir}']
    algorithm = registry.ALGORITHMS[_read_config(path).algorithm]
    if 'pruning_iterations' in attrs.fields_dict(algorithm.options_class):
      smaller.append('--pruning_iterations=2')
    config = _read_config(path, *smaller)
    with mock.patch.dict(datasets.DATASETS, emnist=_load_emnist):
      federation = federation_lib.build_federation(config)
    run = training_run.TrainingRun(
        config, training_loop.build_algorithm(config, federation), federation
    )
    for round_num in (1, 2):
      row = run.train_round(round_num)
      self.assertTrue(math.isfinite(row['train_loss']))


if __name__ == '__main__':
  absltest.main()
