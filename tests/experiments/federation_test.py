import os
import tempfile

import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.data import partition_files
from tff_hidenseek.data import partitions
from tff_hidenseek.experiments import federation as federation_lib


class FederationTest(tf.test.TestCase):

  def test_the_last_clients_are_unseen(self):
    federation = tiny_experiment.build_federation()
    self.assertEqual(federation.seen_clients, [0, 1, 2])
    self.assertEqual(federation.unseen_clients, [3])

  def test_clients_have_the_examples_of_the_partition(self):
    federation = tiny_experiment.build_federation()
    for client_id in range(4):
      for data, indices in (
          (federation.train_data, federation.partition.train_indices),
          (federation.test_data, federation.partition.test_indices),
      ):
        client = data(client_id)
        chosen = indices[client_id]
        self.assertAllEqual(client['x'], federation.dataset.train_x[chosen])
        self.assertAllEqual(client['y'], federation.dataset.train_y[chosen])
        self.assertAllEqual(client['client_id'], client_id)

  def test_no_example_is_trained_and_tested_on(self):
    federation = tiny_experiment.build_federation()
    used = np.concatenate(
        federation.partition.train_indices + federation.partition.test_indices
    )
    self.assertLen(np.unique(used), len(used))

  def test_a_client_s_tensors_are_made_once(self):
    federation = tiny_experiment.build_federation()
    self.assertIs(federation.train_data(1)['x'], federation.train_data(1)['x'])

  def test_the_shards_are_the_test_split_in_its_order(self):
    federation = tiny_experiment.build_federation()
    shards = federation.test_shards
    labels = np.concatenate([shard['y'] for shard in shards])
    self.assertAllEqual(labels, federation.dataset.test_y)
    self.assertLessEqual(max(len(shard['y']) for shard in shards), 1000)

  def test_counts_the_labels_of_every_client(self):
    federation = tiny_experiment.build_federation()
    counts = federation.label_counts()
    self.assertEqual(counts.shape, (4, 10))
    for client_id, row in enumerate(counts):
      labels = np.concatenate([
          federation.train_data(client_id)['y'],
          federation.test_data(client_id)['y'],
      ])
      self.assertAllEqual(row, [(labels == c).sum() for c in range(10)])


class BuildFederationTest(tf.test.TestCase):

  def test_reads_a_saved_partition(self):
    saved = tiny_experiment.build_federation(seed=9).partition
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'partition.npz')
      partition_files.save_partition(path, saved)
      read = tiny_experiment.build_federation(partition_file=path).partition
      for got, expected in zip(read.train_indices, saved.train_indices):
        self.assertAllEqual(got, expected)
      with self.assertRaisesRegex(
          ValueError, '`num_clients` must be the number of clients in '
          '`partition_file`, 4, found 5.'
      ):
        tiny_experiment.build_federation(partition_file=path, num_clients=5)

  def test_tuning_looks_at_held_out_training_examples_alone(self):
    plain = tiny_experiment.build_federation()
    tuning = tiny_experiment.build_federation(validation_fraction=0.2)
    for client_id in range(4):
      both = np.concatenate([
          tuning.partition.train_indices[client_id],
          tuning.partition.test_indices[client_id],
      ])
      self.assertCountEqual(both, plain.partition.train_indices[client_id])
      self.assertLen(tuning.partition.test_indices[client_id], 6)
      self.assertAllEqual(
          tuning.test_data(client_id)['x'],
          tuning.dataset.train_x[tuning.partition.test_indices[client_id]],
      )
    held_out = np.concatenate(tuning.partition.test_indices)
    self.assertAllEqual(
        np.concatenate([shard['x'] for shard in tuning.test_shards]),
        plain.dataset.train_x[held_out],
    )
    self.assertAllEqual(
        np.concatenate([shard['y'] for shard in tuning.test_shards]),
        plain.dataset.train_y[held_out],
    )

  def test_the_data_seed_alone_decides_where_it_is_given(self):
    default, same, other = (
        tiny_experiment.build_federation(**seeds)
        for seeds in (
            dict(seed=3, validation_fraction=0.2),
            dict(seed=0, data_seed=3, validation_fraction=0.2),
            dict(seed=3, data_seed=4, validation_fraction=0.2),
        )
    )
    self.assertEqual(default.partition_digest, same.partition_digest)
    self.assertNotEqual(default.partition_digest, other.partition_digest)

  def test_the_default_partition_is_that_of_ever(self):
    partition = tiny_experiment.build_federation().partition
    self.assertAllEqual(
        partition.train_indices[0][:5], [51, 125, 231, 258, 355]
    )


class ClientFolderTest(tf.test.TestCase):

  def _folder(self, **changes):
    return federation_lib.client_folder(
        'clients', tiny_experiment.build_federation(**changes)
    )

  def test_is_the_same_for_the_same_clients(self):
    self.assertEqual(self._folder(), self._folder(num_rounds=9))

  def test_other_clients_have_another(self):
    folders = {
        self._folder(**changes)
        for changes in (
            {},
            dict(validation_fraction=0.1),
            dict(validation_fraction=0.2),
            dict(seed=1),
            dict(partition='shards'),
        )
    }
    self.assertLen(folders, 5)

  def test_changed_data_has_another(self):
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'mine.npz')
      arrays = dict(y_train=np.arange(40) % 2, y_test=np.arange(4) % 2)
      config = tiny_experiment.make_config(dataset=f'npz:{path}')
      folders = set()
      for value in (0.0, 0.5):
        np.savez(
            path,
            x_train=np.full([40, 2, 2], value),
            x_test=np.ones([4, 2, 2]),
            **arrays,
        )
        federation = federation_lib.build_federation(config)
        folders.add(federation_lib.client_folder('clients', federation))
    self.assertLen(folders, 2)


class TrainedClassesTest(tf.test.TestCase):

  def test_are_those_of_clients_that_train(self):
    dataset = tiny_experiment.build_federation().dataset
    of_class = [np.flatnonzero(dataset.train_y == i) for i in range(10)]
    partition = partitions.Partition(
        # The third client never trains, and tests alone do not count.
        train_indices=(of_class[2][:3], of_class[7][:3], of_class[9][:3]),
        test_indices=(of_class[4][:1], of_class[7][3:4], of_class[9][3:4]),
    )
    federation = federation_lib.Federation(dataset, partition, 1)
    is_held = federation.find_classes(federation.seen_clients)
    self.assertAllEqual(np.flatnonzero(is_held), [2, 7])

  def test_the_seed_decides_the_partition(self):
    first, other = (
        tiny_experiment.build_federation(seed=seed) for seed in (0, 1)
    )
    self.assertNotAllEqual(
        first.partition.train_indices[0], other.partition.train_indices[0]
    )


class StackStatesTest(tf.test.TestCase):

  def test_stacks_each_part(self):
    stacked = federation_lib.stack_states(
        [dict(a=np.zeros(2), b=np.array(1)), dict(a=np.ones(2), b=np.array(2))]
    )
    self.assertAllEqual(stacked['a'], [[0, 0], [1, 1]])
    self.assertAllEqual(stacked['b'], [1, 2])


if __name__ == '__main__':
  tf.test.main()
