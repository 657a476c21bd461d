"""A user's mistakes: each ends with one line that says which."""

import os
import shutil
import tempfile
import unittest

from absl.testing import parameterized
import numpy as np

from tests.binaries import command_runs
from tff_hidenseek.algorithms import registry
from tff_hidenseek.models import architectures

_ALGORITHMS = ', '.join(registry.ALGORITHMS)
_MODELS = ', '.join(architectures.MODELS)


class TrainErrorsTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _assert_is_refused(self, message, *arguments):
    """Asserts that all of stderr is one line that begins with the message."""
    output_dir = os.path.join(self._dir, 'run')
    outcome = command_runs.run(
        'train', *command_runs.TINY_FLAGS, f'--output_dir={output_dir}',
        *arguments,
    )
    self.assertEqual(outcome.exit_code, 2, outcome.stdout + outcome.stderr)
    self.assertRegex(outcome.stderr, rf'\Aerror: {message}[^\n]*\n\Z')
    self.assertEqual(outcome.stdout, '')
    self.assertFalse(os.path.exists(output_dir))

  @parameterized.parameters(
      ('--density=0', '`density` must be greater than 0, found 0.0.'),
      ('--density=1.5', '`density` must be at most 1, found 1.5.'),
      ('--density=nan', '`density` must be a finite number, found nan.'),
      ('--density=1e-4', 'Pruning .* no weight in: logits. Use more pruning'),
      ('--dataset=imagenet', '`dataset` must be one of digits, .*imagenet'),
      ('--model=conv5', f"`model` must be one of {_MODELS}, found 'conv5'."),
      (
          '--algorithm=fedavg',
          f"`algorithm` must be one of {_ALGORITHMS}, found 'fedavg'.",
      ),
      ('--partition=random', '`partition` must be one of iid, .*random'),
      (
          '--clients_per_round=5',
          '`clients_per_round` must be at most .* = 4, found 5.',
      ),
      ('--num_unseen_clients=4', '`clients_per_round` must be .* = 0, found 2'),
      ('--num_clients=5000', '`num_clients` must be from 1 to .*found 5000'),
      ('--partition=natural', '`partition` must be iid, shards or dirichlet'),
      ('--classes_per_client=11', '`classes_per_client` must .*found 11'),
      ('--vote_range=0', '`vote_range` must be greater than 0, found 0'),
      (
          '--private_layers=conv1',
          "`private_layers` must name layers of logits, found 'conv1'.",
      ),
      ('--private_layers=logits', '`private_layers` must leave a layer'),
      ('--model=vgg16', r'`model` must .*\(8, 8, 1\), .*needs larger ones'),
      ('--data_dir=/no/such --dataset=mnist', '`data_dir` must be a folder'),
      ('--partition_file=/no/such.npz', '/no/such.npz: must .* found no file'),
      ('--dataset=npz:/no/such.npz', '/no/such.npz: must .* found no file'),
      ('--dataset=images:/no/such', '`images:DIR` must hold .*/no/such/train'),
      ('--densty=0.1', "Unknown command line flag 'densty'.*density"),
      ('--num_rounds=many', 'flag --num_rounds=many'),
      ('--runtime=gpu', 'flag --runtime=gpu: value should be one of'),
      ('--workers=here:1', '`workers` must come with --runtime=cluster'),
      ('--cohort_size=-1', 'flag --cohort_size=-1'),
      ('extra', 'Arguments must be flags --name=value, found extra.'),
  )
  def test_a_mistake_on_the_command_line(self, arguments, message):
    if '--classes_per_client' in arguments:
      arguments += ' --partition=shards'
    self._assert_is_refused(message, *arguments.split())

  def test_a_flag_of_a_method_that_is_not_chosen(self):
    flags = [f for f in command_runs.TINY_FLAGS if 'pruning' not in f]
    output_dir = os.path.join(self._dir, 'run')
    outcome = command_runs.run(
        'train', *flags, '--algorithm=fed_avg', '--kernel_gain=0.5',
        f'--output_dir={output_dir}',
    )
    self.assertEqual(outcome.exit_code, 2)
    self.assertRegex(
        outcome.stderr,
        r'\Aerror: `kernel_gain` must be an option of fed_avg, found one of '
        r'[^\n]*hidenseek[^\n]*\n\Z',
    )

  def test_a_folder_with_other_files(self):
    for name in ('thesis.tex', 'checkpoints'):
      with open(os.path.join(self._dir, name), 'w', encoding='utf-8'):
        pass
      outcome = command_runs.run(
          'train', *command_runs.TINY_FLAGS, f'--output_dir={self._dir}'
      )
      self.assertEqual(outcome.exit_code, 2)
      self.assertRegex(
          outcome.stderr, r'\Aerror: `output_dir` must be new or empty.*\n\Z'
      )
      os.remove(os.path.join(self._dir, name))

  @parameterized.named_parameters(
      ('labels_outside', dict(y_test=np.full(40, 3)),
       '`y_test` must hold labels that `y_train` holds, found 3'),
      ('negative_labels', dict(y_train=np.full(120, -1)),
       '`y_train` must hold labels of at least 0, found -1'),
      ('another_shape', dict(x_test=np.zeros([40, 9, 8, 1])),
       r'`x_test` must hold images of the shape in `x_train`, \(8, 8, 1\)'),
      ('no_images', dict(x_train=np.zeros([120, 8])),
       r'`x_train` must have shape .*found \(120, 8\)'),
      ('missing_pixels', dict(x_train=np.full([120, 8, 8, 1], np.nan)),
       '`x_train` must hold finite pixels, found NaN in image 0'),
      ('bytes_as_floats', dict(x_train=np.full([120, 8, 8, 1], 255.0)),
       '`x_train` must hold uint8, or floats in .*255'),
      ('fewer_labels', dict(y_train=np.arange(119) % 3),
       '`x_train` must have one image for each of its 119 labels'),
      ('no_labels', dict(y_train=None), 'must hold .*missing y_train'),
  )
  def test_a_mistake_in_the_data(self, changes, message):
    arrays = dict(
        x_train=np.zeros([120, 8, 8, 1]),
        y_train=np.arange(120) % 3,
        x_test=np.zeros([40, 8, 8, 1]),
        y_test=np.arange(40) % 3,
    )
    arrays.update(changes)
    path = os.path.join(self._dir, 'mine.npz')
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    self._assert_is_refused(
        rf'(npz:)?{path}: {message}', f'--dataset=npz:{path}'
    )

  def test_an_empty_client(self):
    path = os.path.join(self._dir, 'partition.npz')
    np.savez(
        path,
        train_indices=np.arange(6),
        train_sizes=[2, 2, 2, 0],
        test_indices=np.arange(6, 10),
        test_sizes=[1, 1, 1, 1],
    )
    self._assert_is_refused(
        f'{path}: every client must have at least 1 train example, found 0 for '
        'client 3',
        f'--partition_file={path}',
    )


if __name__ == '__main__':
  unittest.main()
