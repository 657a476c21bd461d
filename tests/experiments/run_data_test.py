import json
import os
import tempfile

from absl.testing import absltest
import attrs
import numpy as np

from tests.experiments import tiny_experiment
from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import partitions
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder


def _make_federation(order=1, **changes):
  """Makes two clients of two examples each, with changes to their arrays."""
  arrays = {
      'x_train': np.linspace(0, 1, 24).reshape(6, 2, 2),
      'y_train': np.array([1, 3, 1, 3, 1, 1]),
      'x_test': np.zeros([2, 2, 2]),
      'y_test': np.array([3, 3]),
  }
  dataset = image_dataset.from_arrays('mine', **{**arrays, **changes})
  partition = partitions.Partition(
      train_indices=(np.array([0]), np.array([1])),
      test_indices=(np.array([2]), np.array([3])),
  )
  halves = (partition.train_indices[::order], partition.test_indices[::order])
  return federation_lib.Federation(dataset, partitions.Partition(*halves), 0)


class RunDataTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self._path = os.path.join(self._dir, 'data.json')
    run_folder.prepare(self._dir, tiny_experiment.make_config())

  def _read(self):
    with open(self._path, encoding='utf-8') as file:
      return json.load(file)

  def test_says_what_the_data_is(self):
    run_data.write(self._dir, _make_federation())
    data = self._read()
    self.assertLen(data.pop('digest'), 64)
    self.assertLen(data.pop('partition_digest'), 64)
    self.assertEqual(
        data,
        dict(
            input_shape=[2, 2, 1],
            input_range=[0.0, 1.0],
            num_classes=2,
            class_names=['1', '3'],
            training_examples=[4, 2],
            test_examples=[0, 2],
        ),
    )

  def test_the_same_data_passes(self):
    run_data.write(self._dir, _make_federation())
    run_data.check(self._dir, _make_federation())

  def test_other_data_is_refused_and_the_difference_named(self):
    run_data.write(self._dir, _make_federation())
    for changes, message in (
        (dict(x_train=np.ones([6, 2, 2])), 'pixels or labels'),
        (dict(y_train=np.array([3, 1, 1, 3, 1, 1])), 'pixels or labels'),
        (dict(x_test=np.ones([2, 2, 2])), 'pixels or labels'),
        (dict(y_test=np.array([3, 1])), 'test examples'),
        (dict(y_train=np.array([1, 4, 1, 4, 1, 1]), y_test=np.array([4, 4])),
         'class names'),
        (dict(order=-1), 'which client has which examples'),
    ):
      with self.subTest(message=message):
        with self.assertRaisesRegex(
            ValueError,
            f'`dataset` must be the data that the run in {self._dir} was '
            f'trained on, found other {message}. .*--allow_changed_data',
        ):
          run_data.check(self._dir, _make_federation(**changes))
        before = self._read()
        run_data.check(
            self._dir, _make_federation(**changes), allow_changed=True
        )
        self.assertEqual(self._read(), before)

  def test_a_run_of_before_gets_its_file(self):
    run_data.check(self._dir, _make_federation())
    run_data.check(self._dir, _make_federation())
    with self.assertRaises(ValueError):
      run_data.check(self._dir, _make_federation(order=-1))

  def test_a_folder_without_a_run_gets_none(self):
    with tempfile.TemporaryDirectory() as folder:
      run_data.check(folder, _make_federation())
      self.assertEmpty(os.listdir(folder))

  def test_names_a_damaged_file(self):
    for text in ('', '{', '[]', '{}'):
      with open(self._path, 'w', encoding='utf-8') as file:
        file.write(text)
      with self.assertRaisesRegex(ValueError, 'data.json: must be what a run'):
        run_data.check(self._dir, _make_federation())

  def test_tuning_keeps_the_digest_of_all_that_was_loaded(self):
    plain, tuning = (
        tiny_experiment.build_federation(**changes)
        for changes in ({}, dict(validation_fraction=0.2))
    )
    self.assertEqual(plain.dataset.digest, tuning.dataset.digest)
    self.assertNotEqual(plain.partition_digest, tuning.partition_digest)


class CheckAlikeTest(absltest.TestCase):

  def test_compared_runs_have_the_same_data(self):
    federation = _make_federation()
    changed = attrs.evolve(federation.dataset, digest='0' * 64)
    folders = [tempfile.mkdtemp() for _ in range(4)]
    for folder, dataset in zip(folders, [federation.dataset] * 2 + [changed]):
      run_data.write(
          folder, federation_lib.Federation(dataset, federation.partition, 0)
      )
    run_data.check_alike(folders[:2])
    run_data.check_alike([folders[3], folders[0]])  # One of before.
    with self.assertRaisesRegex(
        ValueError, f'changed between {folders[0]} and {folders[2]}. '
    ):
      run_data.check_alike(folders)
    run_data.check_alike(folders, allow_changed=True)


if __name__ == '__main__':
  absltest.main()
