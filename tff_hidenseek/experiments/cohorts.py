"""Which clients of a round are trained by one program, and with what data."""

import collections
import functools
from typing import List, Mapping, Optional, Sequence

from absl import logging
import numpy as np

from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import cohort_process
from tff_hidenseek.learning import federated_algorithm

# Measured: see `docs/performance.md`. Enough cohorts are left for the threads
# to share, and a client of a larger model costs nothing beside its training.
_LARGEST = 25
_FEWEST_COHORTS = 8
_MOST_WEIGHTS = 1_000_000
# Of all clients that train at once together: half a GiB, of which training
# holds several copies.
_MOST_WEIGHTS_AT_ONCE = 2**27
# Images that stay on a device; more are copied there cohort by cohort.
_MOST_RESIDENT_BYTES = 4 * 2**30

# `auto` is at once on a GPU.
TRAININGS = ('auto', *cohort_process.TRAININGS)


def choose_size(
    cohort_size: int,
    num_clients: int,
    num_weights: int,
    at_once: bool = False,
) -> int:
  """Returns how many clients a cohort has.

  Args:
    cohort_size: What the user wants, at least 0; 0 leaves the choice to this
      function. It does not depend on the machine, as then the order of a sum
      would.
    num_clients: Clients that take part together.
    num_weights: Weights in all kernels of the model.
    at_once: Whether they train at once, and not one after another.
  """
  if cohort_size:
    return cohort_size
  if at_once:
    return max(1, min(num_clients, _MOST_WEIGHTS_AT_ONCE // num_weights))
  if num_weights > _MOST_WEIGHTS:
    return 1
  return min(_LARGEST, max(1, num_clients // _FEWEST_COHORTS))


class Cohorts:
  """Runs an algorithm whose clients come in cohorts.

  What it takes and gives is that of the algorithm client by client.
  """

  def __init__(
      self,
      algorithm: federated_algorithm.FederatedAlgorithm,
      federation: federation_lib.Federation,
      cohort_size: int,
      copies_examples: bool = False,
      training: str = 'in_turn',
      device: Optional[str] = None,
  ):
    """Initializes the runs.

    Args:
      algorithm: The algorithm.
      federation: The clients.
      cohort_size: As for `choose_size`.
      copies_examples: Whether a cohort is given a copy of its examples, because
        it is sent elsewhere, and not a view of those of all clients.
      training: How the clients of a cohort train, a name in `TRAININGS`.
      device: The GPU that trains them, if it is one.
    """
    self._build = algorithm.build_cohort_algorithm
    self._num_weights = algorithm.num_weights
    self._federation = federation
    self._cohort_size = cohort_size
    self._copies_examples = copies_examples
    self._device = device
    self._resident: List[cohort_data.Pool] = []
    self._training = _choose_training(algorithm, training, device)
    if device and self._training == 'in_turn' and not cohort_size:
      # What cohorts spare on a processor they do not on a GPU.
      self._cohort_size = 1
    if self._build is None and cohort_size > 1:
      logging.warning(
          '`cohort_size` has no effect here: the clients keep something '
          'between rounds, or the server needs more than the sum of their '
          'uploads, so they come one by one.'
      )

  @functools.cached_property
  def _algorithm(self) -> federated_algorithm.CohortAlgorithm:
    return self._build(
        train_size=self._federation.train_pool.common_size,
        test_size=self._federation.test_pool.common_size,
        training=self._training,
    )

  def can_run(self, num_clients: int) -> bool:
    """Whether so many clients come in cohorts, and not one by one."""
    return self._build is not None and self._choose_size(num_clients) > 1

  def _choose_size(self, num_clients):
    return choose_size(
        self._cohort_size,
        num_clients,
        self._num_weights,
        self._training != 'in_turn',
    )

  def train_round(self, server_state, clients: Sequence[int]):
    """Runs a round of clients, given by their ids; returns its output."""
    cohorts = self._divide(clients)
    return self._algorithm.next(
        server_state, self._select(self._federation.train_pool, cohorts)
    )

  def evaluate_personal(
      self, server_state, clients: Sequence[int]
  ) -> List[Mapping[str, np.ndarray]]:
    """Returns `num_correct` and `num_examples` of every client, in order."""
    cohorts = self._divide(clients)
    counts = self._algorithm.evaluate_personal(
        server_state,
        self._select(self._federation.train_pool, cohorts),
        self._select(self._federation.test_pool, cohorts),
    )
    return [
        collections.OrderedDict(
            (name, count[name][place]) for name in count
        )
        for ids, count in zip(cohorts, counts)
        for place in range(len(ids))
    ]

  def _select(self, pool, cohorts):
    self._keep_on_device(pool)
    copies = self._copies_examples and pool not in self._resident
    return [pool.select(ids, ids, copies) for ids in cohorts]

  def _keep_on_device(self, pool):
    """Moves a pool to the device, once, if it fits there."""
    if (
        self._device
        and isinstance(pool, cohort_data.Pool)
        and pool not in self._resident
        and pool.num_bytes <= _MOST_RESIDENT_BYTES
    ):
      pool.keep_on(self._device)
      self._resident.append(pool)

  def _divide(self, clients):
    size = self._choose_size(len(clients))
    return [clients[i : i + size] for i in range(0, len(clients), size)]


def _choose_training(algorithm, training, device):
  """Returns how clients train, after `Cohorts`' arguments."""
  if training == 'auto':
    return 'at_once' if device and algorithm.trains_at_once else 'in_turn'
  if training != 'in_turn' and not algorithm.trains_at_once:
    logging.warning(
        '`cohort_training` has no effect here: clients of this algorithm do '
        'not train at once, but one after another.'
    )
    return 'in_turn'
  return training
