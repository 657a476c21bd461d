"""Rounds of an algorithm on the benchmark's clients, whatever runs them."""

import functools
from typing import Callable, Sequence, Tuple

import numpy as np

from tff_hidenseek.algorithms import registry
from tff_hidenseek.learning import client_data
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


def build_rounds(
    model: str, algorithm: str, clients: Clients
) -> Callable[[], None]:
  """Returns what runs a round, each call the next.

  Args:
    model: A name in `architectures.MODELS`.
    algorithm: A name in `registry.ALGORITHMS`.
    clients: For each client its images and labels.
  """
  process = build_algorithm(model, algorithm).process
  data = make_tensors(clients)
  state = process.initialize()

  def run_round():
    nonlocal state
    state = process.next(state, data).state

  return run_round
