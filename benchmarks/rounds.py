"""Rounds of an algorithm on the benchmark's clients, whatever runs them."""

import functools
from typing import Any, Callable, Dict, Sequence, Tuple

import numpy as np

from tff_hidenseek.algorithms import registry
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import architectures

_IMAGE_SHAPE = (32, 32, 3)
_NUM_CLASSES = 10
_BATCH_SIZE = 10
_SEED = 0

Clients = Sequence[Tuple[np.ndarray, np.ndarray]]


def build_task(model: str) -> federated_algorithm.LearningTask:
  """Returns what is learned: ten classes of images 32x32x3 by a named model."""
  return federated_algorithm.LearningTask(
      build_model=functools.partial(
          architectures.MODELS[model], _IMAGE_SHAPE, _NUM_CLASSES
      ),
      input_shape=_IMAGE_SHAPE,
      num_classes=_NUM_CLASSES,
      seed=_SEED,
  )


def build_options(algorithm: str):
  """Returns the options of a named algorithm: its own, batches of ten."""
  return registry.ALGORITHMS[algorithm].options_class(batch_size=_BATCH_SIZE)


def build_algorithm(
    model: str, algorithm: str
) -> federated_algorithm.FederatedAlgorithm:
  """Builds an algorithm.

  Args:
    model: A name in `architectures.MODELS`.
    algorithm: A name in `registry.ALGORITHMS`.

  Returns:
    The algorithm.
  """
  return registry.ALGORITHMS[algorithm].build(
      build_task(model), build_options(algorithm)
  )


def make_tensors(clients: Clients) -> list:
  """Returns each client's data as `client_data` wants it."""
  return [
      client_data.make_client_data(x, y, client_id)
      for client_id, (x, y) in enumerate(clients)
  ]


def make_pool(clients: Clients) -> cohort_data.Pool:
  """Returns the clients' data as cohorts take it, in their order."""
  return cohort_data.Pool(
      *[np.concatenate(arrays) for arrays in zip(*clients)],
      [len(y) for _, y in clients],
  )


class Rounds:
  """Rounds of an algorithm, client by client and in cohorts of any size."""

  def __init__(self, model: str, algorithm: str, clients: Clients):
    """Builds the algorithm and makes the clients' tensors.

    Args:
      model: A name in `architectures.MODELS`.
      algorithm: A name in `registry.ALGORITHMS`.
      clients: For each client its images and labels.
    """
    self._algorithm = build_algorithm(model, algorithm)
    self._clients = clients
    self._state = self._algorithm.process.initialize()
    self._cohorts: Dict[str, federated_algorithm.CohortAlgorithm] = {}

  @functools.cached_property
  def _tensors(self) -> list:
    return make_tensors(self._clients)

  @functools.cached_property
  def _pool(self) -> cohort_data.Pool:
    return make_pool(self._clients)

  def _find_cohorts(self, training: str) -> federated_algorithm.CohortAlgorithm:
    if training not in self._cohorts:
      self._cohorts[training] = self._algorithm.build_cohort_algorithm(
          self._pool.common_size, training=training
      )
    return self._cohorts[training]

  def keep_on(self, device: str) -> None:
    """Keeps the clients' images on a device, where cohorts share them."""
    self._pool.keep_on(device)

  @property
  def state(self) -> Any:
    """The state of the algorithm itself after the last round."""
    return self._state.algorithm

  def restart(self) -> None:
    """Makes the next round the first one again."""
    self._state = self._algorithm.process.initialize()

  def run(
      self, num_clients: int, cohort_size: int, training: str = 'in_turn'
  ) -> None:
    """Runs the next round.

    Args:
      num_clients: How many clients take part, the first ones.
      cohort_size: Clients that one program trains; 1 is a program a client.
      training: How the clients of a cohort train: see `cohort_process`.
    """
    if cohort_size == 1:
      run_next, data = self._algorithm.process.next, self._tensors[:num_clients]
    else:
      run_next = self._find_cohorts(training).next
      ids = range(num_clients)
      cohorts = [ids[i : i + cohort_size] for i in ids[::cohort_size]]
      data = [self._pool.select(c, c) for c in cohorts]
    self._state = run_next(self._state, data).state


def build_rounds(
    model: str,
    algorithm: str,
    clients: Clients,
    cohort_size: int = 1,
) -> Callable[[], None]:
  """Returns what runs a round of all clients: see `Rounds`."""
  simulation = Rounds(model, algorithm, clients)
  return functools.partial(simulation.run, len(clients), cohort_size)
