"""The simulated clients: who has which examples, and who takes part when."""

import functools
import os
from typing import Sequence

import numpy as np
import tensorflow as tf

from tff_hidenseek.data import content_digest
from tff_hidenseek.data import datasets
from tff_hidenseek.data import held_out
from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import partition_files
from tff_hidenseek.data import partitions
from tff_hidenseek.experiments import participation
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import client_files
from tff_hidenseek.learning import cohort_data

# Test examples of one shard of the global evaluation.
_SHARD_SIZE = 1000
# Options that decide who has which examples, together with the seed.
DATA_OPTIONS = (
    'dataset',
    'partition',
    'num_clients',
    'classes_per_client',
    'concentration',
    'test_fraction',
    'validation_fraction',
    'min_examples_per_client',
    'max_examples_per_client',
    'data_seed',
)


class Federation:
  """Clients with their examples, as tensors that are made once.

  Attributes:
    dataset: The data set that is divided.
    partition: Which examples each client has.
    seen_clients: Ids of the clients that train.
    unseen_clients: Ids of the clients that never do.
  """

  def __init__(
      self,
      dataset: image_dataset.ImageDataset,
      partition: partitions.Partition,
      num_unseen_clients: int,
  ):
    """Initializes the federation.

    Args:
      dataset: The data set that is divided.
      partition: Which examples each client has.
      num_unseen_clients: How many clients, the last ones, never train.
    """
    self.dataset = dataset
    self.partition = partition
    clients = list(range(partition.num_clients))
    num_seen = len(clients) - num_unseen_clients
    self.seen_clients = clients[:num_seen]
    self.unseen_clients = clients[num_seen:]
    self._tensors = {}

  def train_data(self, client_id: int):
    """Returns the examples a client trains on, as tensors made once."""
    if client_id not in self._tensors:
      self._tensors[client_id] = self._select(
          self.partition.train_indices[client_id], client_id
      )
    return self._tensors[client_id]

  def test_data(self, client_id: int):
    """Returns the examples a client's personal model is tested on."""
    return self._select(self.partition.test_indices[client_id], client_id)

  @functools.cached_property
  def train_pool(self) -> cohort_data.Pool:
    """All clients' training examples, by their ids."""
    return self._make_pool(self.partition.train_indices)

  @functools.cached_property
  def test_pool(self) -> cohort_data.Pool:
    """All clients' test examples, by their ids."""
    return self._make_pool(self.partition.test_indices)

  def _make_pool(self, client_indices):
    indices = np.concatenate(client_indices)
    return cohort_data.Pool(
        self.dataset.train_x[indices],
        self.dataset.train_y[indices],
        [len(c) for c in client_indices],
    )

  def _select(self, indices: np.ndarray, client_id: int):
    return client_data.make_client_data(
        self.dataset.train_x[indices], self.dataset.train_y[indices], client_id
    )

  @functools.cached_property
  def test_shards(self) -> Sequence:
    """The data set's own test examples, in shards for the clients' places."""
    starts = range(0, len(self.dataset.test_y), _SHARD_SIZE)
    return [
        client_data.make_client_data(
            self.dataset.test_x[start : start + _SHARD_SIZE],
            self.dataset.test_y[start : start + _SHARD_SIZE],
            client_id,
        )
        for client_id, start in enumerate(starts)
    ]

  def find_classes(self, clients: Sequence[int]) -> np.ndarray:
    """Returns which classes clients train on, `bool[num_classes]`.

    Args:
      clients: Their ids.
    """
    is_held = np.zeros(self.dataset.num_classes, bool)
    for i in clients:
      is_held[self.dataset.train_y[self.partition.train_indices[i]]] = True
    return is_held

  @functools.cached_property
  def partition_digest(self) -> str:
    """A digest of who has which examples, and of what all are tested on."""
    arrays = dict(test_y=self.dataset.test_y)
    for split in ('train_indices', 'test_indices'):
      clients = getattr(self.partition, split)
      arrays[split] = np.concatenate(clients).astype(np.int64)
      arrays[f'{split}_sizes'] = np.array([len(c) for c in clients], np.int64)
    return content_digest.digest_arrays(arrays)

  def label_counts(self) -> np.ndarray:
    """Returns how many examples of each class a client has, `[n, classes]`."""
    labels = self.dataset.train_y
    return np.stack([
        np.bincount(
            labels[np.concatenate(both)], minlength=self.dataset.num_classes
        )
        for both in zip(
            self.partition.train_indices, self.partition.test_indices
        )
    ])


class FederationOfFiles(Federation):
  """The same clients by their names; the data is in files where they run."""

  def __init__(self, federation: Federation):
    """Initializes the federation.

    Args:
      federation: The clients with their data.
    """
    super().__init__(
        federation.dataset,
        federation.partition,
        len(federation.unseen_clients),
    )
    self._federation = federation

  def train_data(self, client_id: int) -> str:
    """Returns the name of the examples a client trains on."""
    return f'train_{client_id}'

  def test_data(self, client_id: int) -> str:
    """Returns the name of the examples a client is tested on."""
    return f'test_{client_id}'

  @functools.cached_property
  def train_pool(self) -> client_files.NamePool:
    """The names of all clients' training examples."""
    return client_files.NamePool(
        self.train_data, [len(c) for c in self.partition.train_indices]
    )

  @functools.cached_property
  def test_pool(self) -> client_files.NamePool:
    """The names of all clients' test examples."""
    return client_files.NamePool(
        self.test_data, [len(c) for c in self.partition.test_indices]
    )

  @property
  def test_shards(self) -> Sequence[str]:
    """The names of the shards of the data set's own test examples."""
    return [f'shard_{i}' for i in range(len(self._federation.test_shards))]

  def write(self, folder: str) -> None:
    """Writes every client's examples into a folder, which is made.

    Args:
      folder: The folder, as `client_folder` names it.
    """
    os.makedirs(folder, exist_ok=True)
    for client_id in self.seen_clients + self.unseen_clients:
      for named, with_data in (
          (self.train_data, self._federation.train_data),
          (self.test_data, self._federation.test_data),
      ):
        client_files.write_client_file(
            folder, named(client_id), with_data(client_id)
        )
    for name, data in zip(self.test_shards, self._federation.test_shards):
      client_files.write_client_file(folder, name, data)


def client_folder(client_dir: str, federation: Federation) -> str:
  """Returns the folder of the clients' files of a federation.

  Its name is a digest of all the data and of who has which examples, so a host
  with the files of another experiment, or of data that has changed since, has
  no such folder.

  Args:
    client_dir: The folder of all experiments' clients on a host.
    federation: The clients with their data.
  """
  digest = federation.dataset.digest[:16], federation.partition_digest[:16]
  return os.path.join(client_dir, '.'.join(digest))


def build_federation(config) -> Federation:
  """Loads the data and divides it as an `ExperimentConfig` says.

  Args:
    config: The experiment.

  Returns:
    The federation.

  Raises:
    ValueError: If the data or its division breaks a rule.
    FileNotFoundError: If a file of the data set is missing.
  """
  dataset = datasets.load_dataset(config.dataset, config.data_dir or None)
  if config.partition_file:
    partition = partition_files.load_partition(
        config.partition_file, len(dataset.train_y)
    )
    if partition.num_clients != config.num_clients:
      raise ValueError(
          '`num_clients` must be the number of clients in `partition_file`, '
          f'{partition.num_clients}, found {config.num_clients}.'
      )
  else:
    partition = partitions.build_partition(
        config.partition,
        dataset.train_y,
        config.num_clients,
        seed=config.partition_seed,
        classes_per_client=config.classes_per_client,
        concentration=config.concentration,
        writers=dataset.writers,
        test_fraction=config.test_fraction,
        min_examples=config.min_examples_per_client,
        max_examples_per_client=config.max_examples_per_client or None,
    )
  if config.validation_fraction:
    partition = held_out.hold_out(
        partition,
        dataset.train_y,
        config.validation_fraction,
        config.partition_seed,
    )
    dataset = held_out.replace_test_split(dataset, partition)
  return Federation(dataset, partition, config.num_unseen_clients)


def find_trained_classes(federation: Federation, config) -> np.ndarray:
  """Returns which classes the clients of all rounds train on.

  Args:
    federation: The clients.
    config: The experiment; a client that none of its rounds counts trains
      nothing.

  Returns:
    `bool[num_classes]`.
  """
  draw = participation.build_draw_fn(
      federation.seen_clients, config, config.seed
  )
  can_be_trained = federation.find_classes(federation.seen_clients)
  is_trained = np.zeros_like(can_be_trained)
  for round_num in range(1, config.num_rounds + 1):
    is_trained |= federation.find_classes(draw(round_num).counted)
    if np.array_equal(is_trained, can_be_trained):
      break  # As a rule after a few rounds.
  return is_trained


def stack_states(client_states: Sequence):
  """Stacks the states of several clients along a new first axis."""
  return tf.nest.map_structure(lambda *leaves: np.stack(leaves), *client_states)
