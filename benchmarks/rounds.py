"""Rounds of an algorithm on the benchmark's clients, whatever runs them."""

import functools
from typing import Callable, Sequence, Tuple

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


def make_cohorts(clients: Clients, cohort_size: int) -> list:
  """Returns the clients' data as `cohort_data` wants it, from one pool."""
  pool = cohort_data.Pool(
      *[np.concatenate(arrays) for arrays in zip(*clients)],
      [len(y) for _, y in clients],
  )
  ids = range(len(clients))
  cohorts = [ids[start : start + cohort_size] for start in ids[::cohort_size]]
  return [pool.select(cohort, cohort) for cohort in cohorts]


def build_rounds(
    model: str, algorithm: str, clients: Clients, cohort_size: int = 1
) -> Callable[[], None]:
  """Returns what runs a round, each call the next.

  Args:
    model: A name in `architectures.MODELS`.
    algorithm: A name in `registry.ALGORITHMS`.
    clients: For each client its images and labels.
    cohort_size: Clients that one program trains; 1 is a program a client.
  """
  built = build_algorithm(model, algorithm)
  if cohort_size == 1:
    run_next, data = built.process.next, make_tensors(clients)
  else:
    run_next = built.build_cohort_algorithm().next
    data = make_cohorts(clients, cohort_size)
  state = built.process.initialize()

  def run_round():
    nonlocal state
    state = run_next(state, data).state

  return run_round
