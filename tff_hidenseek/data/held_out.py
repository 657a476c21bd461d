"""Training examples held out for tuning, so that no test is looked at."""

import attrs
import numpy as np

from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import partitions
from tff_hidenseek.data import stratification


def hold_out(
    partition: partitions.Partition,
    labels: np.ndarray,
    fraction: float,
    seed: int,
) -> partitions.Partition:
  """Splits each client's training examples into two parts.

  Args:
    partition: Who has which examples.
    labels: The training examples' labels, an integer array [n].
    fraction: The part of a client's training examples that is held out, in
      (0, 1); at least one is, and at least one is not.
    seed: The seed of the split, at least 0.

  Returns:
    The partition whose clients train on what is left to them and test on what
    is held out; their test examples are in neither.

  Raises:
    ValueError: If a client has but one example to train on.
  """
  # A stream of its own: the partition's is the seed's without a jump.
  rng = np.random.Generator(np.random.Philox(seed).jumped())
  train, held_out = [], []
  for client_id, indices in enumerate(partition.train_indices):
    if len(indices) < 2:
      raise ValueError(
          '`min_examples_per_client` must be such that every client has 2 '
          'examples, one to train on and one to hold out, found 1 for client '
          f'{client_id}.'
      )
    head, tail = stratification.split(indices, labels, fraction, rng)
    train.append(np.sort(head))
    held_out.append(np.sort(tail))
  return partitions.Partition(
      train_indices=tuple(train), test_indices=tuple(held_out)
  )


def replace_test_split(
    dataset: image_dataset.ImageDataset, partition: partitions.Partition
) -> image_dataset.ImageDataset:
  """Returns the data set whose test split is all clients' test examples."""
  indices = np.concatenate(partition.test_indices)
  return attrs.evolve(
      dataset, test_x=dataset.train_x[indices], test_y=dataset.train_y[indices]
  )
