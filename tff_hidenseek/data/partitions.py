"""A division of training examples among clients, each with a local test."""

from typing import Optional, Tuple

import attrs
import numpy as np

from tff_hidenseek.data import assignments
from tff_hidenseek.data import stratification

# Each takes an `assignments.Request` and returns each client's indices.
PARTITIONERS = {
    'iid': assignments.assign_iid,
    'shards': assignments.assign_shards,
    'dirichlet': assignments.assign_dirichlet,
    'natural': assignments.assign_natural,
}


@attrs.frozen(eq=False)
class Partition:
  """Which of a data set's training examples each client has.

  No example is in two places.

  Attributes:
    train_indices: For each client, the ascending indices of the examples it
      trains on, an int64 array, not empty.
    test_indices: For each client, those of the examples it tests on, likewise.
  """
  train_indices: Tuple[np.ndarray, ...]
  test_indices: Tuple[np.ndarray, ...]

  @property
  def num_clients(self) -> int:
    return len(self.train_indices)


def build_partition(
    name: str,
    labels: np.ndarray,
    num_clients: int,
    *,
    seed: int,
    classes_per_client: int = 2,
    concentration: float = 0.3,
    writers: Optional[np.ndarray] = None,
    test_fraction: float = 0.2,
    min_examples: int = 1,
    max_examples_per_client: Optional[int] = None,
) -> Partition:
  """Divides a data set's training examples among clients.

  Each client's examples are then split at random into a part to train on and a
  part to test on, every class in proportion: the part to train on lacks one of
  the client's classes only where it is shorter than their number.

  Args:
    name: A key of `PARTITIONERS`.
    labels: The examples' labels, an integer array [n].
    num_clients: The number of clients, at least 1.
    seed: The seed of all randomness, at least 0; the same seed gives the same
      partition.
    classes_per_client: For `shards`, the number of classes of a client.
    concentration: For `dirichlet`, in [0.001, 1000000]: small gives a client
      few classes, large gives all clients the mix of the whole.
    writers: For `natural`, the writer of each example, an integer array [n].
    test_fraction: The fraction of a client's examples it tests on, in (0, 1).
    min_examples: The least number of examples a client trains on, and tests
      on; at least 1.
    max_examples_per_client: The most examples a client trains on; the others
      are not used. `None` sets no limit.

  Returns:
    The partition.

  Raises:
    ValueError: If an argument is out of its range, or the examples do not
      suffice.
  """
  labels = np.asarray(labels)
  if name not in PARTITIONERS:
    raise ValueError(
        f'`partition` must be one of {", ".join(PARTITIONERS)}, found '
        f'{name!r}.')
  if seed < 0:
    raise ValueError(f'`seed` must be at least 0, found {seed}.')
  if not 0 < test_fraction < 1:
    raise ValueError(
        f'`test_fraction` must be in (0, 1), found {test_fraction}.')
  if min_examples < 1:
    raise ValueError(
        f'`min_examples` must be at least 1, found {min_examples}.')
  if (max_examples_per_client is not None and
      max_examples_per_client < min_examples):
    raise ValueError(
        '`max_examples_per_client` must be at least `min_examples`, '
        f'{min_examples}, found {max_examples_per_client}.')
  most_clients = len(labels) // (2 * min_examples)
  if not 1 <= num_clients <= most_clients:
    raise ValueError(
        f'`num_clients` must be from 1 to {most_clients}, so that each has '
        f'at least {min_examples} of the {len(labels)} examples to train on '
        f'and {min_examples} to test on, found {num_clients}.')
  rng = np.random.Generator(np.random.Philox(seed))
  clients = PARTITIONERS[name](
      assignments.Request(
          labels=labels,
          num_clients=num_clients,
          min_examples=2 * min_examples,
          classes_per_client=classes_per_client,
          concentration=concentration,
          writers=writers,
          rng=rng))
  splits = []
  for indices in clients:
    head, tail = stratification.split(
        indices, labels, test_fraction, rng, min_examples)
    splits.append((np.sort(head[:max_examples_per_client]), np.sort(tail)))
  train, test = zip(*splits)
  return Partition(train_indices=train, test_indices=test)
