"""Ways to divide labelled examples among clients."""

from typing import List, Optional

import attrs
import numpy as np


@attrs.frozen(eq=False)
class Request:
  """What every way of dividing is given; each uses what it needs.

  Attributes:
    labels: The examples' labels, an integer array [n].
    num_clients: The number of clients.
    min_examples: The least number of examples of a client.
    classes_per_client: For `shards`, the number of classes of a client.
    concentration: For `dirichlet`, the evenness of a client's classes.
    writers: For `natural`, the writer of each example, an integer array [n].
    rng: The source of randomness.
  """
  labels: np.ndarray
  num_clients: int
  min_examples: int
  classes_per_client: int
  concentration: float
  writers: Optional[np.ndarray]
  rng: np.random.Generator


def assign_iid(request: Request) -> List[np.ndarray]:
  """Deals shuffled examples out evenly.

  Args:
    request: What to divide, and how.

  Returns:
    The indices of each client's examples.
  """
  order = request.rng.permutation(len(request.labels))
  return np.array_split(order, request.num_clients)


def assign_shards(request: Request) -> List[np.ndarray]:
  """Gives every client exactly `classes_per_client` classes, drawn at random.

  A class is held by a number of clients in proportion to its size, and its
  examples are divided evenly among them. Every class is held where there are
  enough places; otherwise the smallest are left out.

  Args:
    request: What to divide, and how.

  Returns:
    The indices of each client's examples.

  Raises:
    ValueError: If there are fewer classes than `classes_per_client`, or too
      few examples.
  """
  classes, class_of, sizes = np.unique(
      request.labels, return_inverse=True, return_counts=True)
  if not 1 <= request.classes_per_client <= len(classes):
    raise ValueError(
        '`classes_per_client` must be from 1 to the number of classes, '
        f'{len(classes)}, found {request.classes_per_client}.')
  num_holders = _count_holders(sizes, request)
  held = _draw_classes(num_holders, request)
  clients = [[] for _ in range(request.num_clients)]
  for i, count in enumerate(num_holders):
    if count:
      members = request.rng.permutation(np.flatnonzero(class_of == i))
      holders = request.rng.permutation(np.flatnonzero((held == i).any(axis=1)))
      for client, share in zip(holders, np.array_split(members, count)):
        clients[client].append(share)
  return [np.concatenate(shares) for shares in clients]


def _count_holders(sizes: np.ndarray, request: Request) -> np.ndarray:
  """Returns how many clients hold each class, in proportion to its size."""
  num_places = request.num_clients * request.classes_per_client
  min_share = -(-request.min_examples // request.classes_per_client)
  most = np.minimum(sizes // min_share, request.num_clients)
  if most.sum() < num_places:
    raise ValueError(
        '`num_clients` must leave every client at least '
        f'{request.min_examples} examples, {min_share} from each of its '
        f'{request.classes_per_client} classes, found {request.num_clients} '
        f'clients for {sizes.sum()} examples.')
  num_holders = np.zeros(len(sizes), np.int64)
  for _ in range(num_places):
    claims = sizes / (num_holders + .5)  # Webster's method.
    claims[num_holders == 0] += 2 * sizes.sum()
    claims[num_holders == most] = -1.
    num_holders[np.argmax(claims)] += 1
  return num_holders


def _draw_classes(num_holders: np.ndarray, request: Request) -> np.ndarray:
  """Draws distinct classes for every client, an array [client, place].

  Dealing the places out in the order of their classes gives no client a class
  twice, since no class has more places than there are clients. Random swaps
  that keep this true then mix the pairs of classes.
  """
  num_clients, width = request.num_clients, request.classes_per_client
  places = np.repeat(np.arange(len(num_holders)), num_holders)
  held = places.reshape(width, num_clients).T.copy()
  num_swaps = 10 * held.size
  clients = request.rng.integers(num_clients, size=(num_swaps, 2)).tolist()
  columns = request.rng.integers(width, size=(num_swaps, 2)).tolist()
  held = held.tolist()
  for (a, b), (i, j) in zip(clients, columns):
    if held[b][j] not in held[a] and held[a][i] not in held[b]:
      held[a][i], held[b][j] = held[b][j], held[a][i]
  return np.array(held)


def assign_dirichlet(request: Request) -> List[np.ndarray]:
  """Draws every client's class mix from a Dirichlet distribution.

  As in arXiv 1909.06335, all clients have equally many examples, drawn without
  replacement. The mean mix is that of the data; where the classes are equally
  large, each parameter of the distribution is `concentration`. Where a class
  has run out, a client takes the rest of its mix from the remaining ones, so
  the drawing always ends.

  Args:
    request: What to divide, and how.

  Returns:
    The indices of each client's examples.

  Raises:
    ValueError: If `concentration` is out of range.
  """
  if not 1e-3 <= request.concentration <= 1e6:
    raise ValueError(
        '`concentration` must be in [0.001, 1000000], found '
        f'{request.concentration}.')
  classes, class_of, left = np.unique(
      request.labels, return_inverse=True, return_counts=True)
  rng = request.rng
  pools = [
      rng.permutation(np.flatnonzero(class_of == i))
      for i in range(len(classes))
  ]
  mean_mix = left / left.sum()
  mixes = rng.dirichlet(
      request.concentration * len(classes) * mean_mix, request.num_clients)
  bounds = np.linspace(
      0, len(request.labels), request.num_clients + 1).astype(np.int64)
  clients = []
  for mix, size in zip(mixes, np.diff(bounds)):
    counts = _draw_counts(mix, int(size), left, rng)
    clients.append(np.concatenate([
        pool[rest - count:rest]
        for pool, rest, count in zip(pools, left, counts)
    ]))
    left = left - counts
  return [clients[i] for i in rng.permutation(request.num_clients)]


def _draw_counts(
    mix: np.ndarray, size: int, left: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
  """Draws `size` examples by class from what is left of each class.

  Every pass either ends or uses up a class, so there are few passes.
  """
  counts = np.zeros_like(left)
  while counts.sum() < size:
    rest = left - counts
    shares = np.where(rest > 0, mix, 0.)
    if shares.sum() < 1e-9:  # All the classes of the mix have run out.
      shares = rest.astype(np.float64)
    drawn = rng.multinomial(size - counts.sum(), shares / shares.sum())
    counts += np.minimum(drawn, rest)
  return counts


def assign_natural(request: Request) -> List[np.ndarray]:
  """Makes every client one writer, chosen at random among those with enough.

  Args:
    request: What to divide, and how.

  Returns:
    The indices of each client's examples, by ascending writer.

  Raises:
    ValueError: If the data has no writers, or too few.
  """
  if request.writers is None:
    raise ValueError(
        '`partition` must be iid, shards or dirichlet for data without '
        "natural clients, found 'natural'.")
  if len(request.writers) != len(request.labels):
    raise ValueError(
        '`writers` must have one entry for each of the '
        f'{len(request.labels)} examples, found {len(request.writers)}.')
  writers, sizes = np.unique(request.writers, return_counts=True)
  writers = writers[sizes >= request.min_examples]
  if request.num_clients > len(writers):
    raise ValueError(
        f'`num_clients` must be at most {len(writers)}, the number of natural '
        f'clients with at least {request.min_examples} examples, found '
        f'{request.num_clients}.')
  chosen = np.sort(
      request.rng.choice(writers, request.num_clients, replace=False))
  order = np.argsort(request.writers, kind='stable')
  starts, ends = (
      np.searchsorted(request.writers[order], chosen, side=side)
      for side in ('left', 'right'))
  return [order[start:end] for start, end in zip(starts, ends)]
