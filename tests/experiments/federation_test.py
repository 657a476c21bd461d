import os
import tempfile

import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.data import partition_files
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

  def test_hosts_with_other_held_out_examples_have_another_folder(self):
    folders = {
        federation_lib.client_folder(
            'clients', tiny_experiment.make_config(validation_fraction=f)
        )
        for f in (0.0, 0.1, 0.2)
    }
    self.assertLen(folders, 3)

  def test_the_seed_decides_the_partition(self):
    first, other = (
        tiny_experiment.build_federation(seed=seed) for seed in (0, 1)
    )
    self.assertNotAllEqual(
        first.partition.train_indices[0], other.partition.train_indices[0]
    )


class SamplingTest(tf.test.TestCase):

  def _sample(self, seed=0, clients_per_round=2):
    sample = federation_lib.build_sampling_fn(
        tiny_experiment.build_federation(),
        tiny_experiment.make_config(
            seed=seed, clients_per_round=clients_per_round
        ),
    )
    return [sample(round_num) for round_num in range(1, 30)]

  def test_draws_clients_that_are_seen_none_twice(self):
    for clients in self._sample():
      self.assertLen(set(clients), 2)
      self.assertContainsSubset(clients, [0, 1, 2])
    self.assertLen(set(map(tuple, self._sample())), 6)

  def test_every_client_takes_part_where_all_are_drawn(self):
    for clients in self._sample(clients_per_round=3):
      self.assertCountEqual(clients, [0, 1, 2])

  def test_depends_on_the_seed_alone(self):
    self.assertEqual(self._sample(), self._sample())
    self.assertNotEqual(self._sample(), self._sample(seed=1))


class StackStatesTest(tf.test.TestCase):

  def test_stacks_each_part(self):
    stacked = federation_lib.stack_states(
        [dict(a=np.zeros(2), b=np.array(1)), dict(a=np.ones(2), b=np.array(2))]
    )
    self.assertAllEqual(stacked['a'], [[0, 0], [1, 1]])
    self.assertAllEqual(stacked['b'], [1, 2])


if __name__ == '__main__':
  tf.test.main()
