"""The state of a run between rounds: what a checkpoint holds."""

import collections
from typing import Any, Dict, Optional, Sequence

from absl import logging
import numpy as np
import tree

from tff_hidenseek.experiments import cohorts
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import participation
from tff_hidenseek.experiments import privacy_ledger
from tff_hidenseek.learning import federated_algorithm


class TrainingRun:
  """One algorithm on one federation, round by round.

  Attributes:
    algorithm: The algorithm.
    server_state: The server's state after the last round.
    client_states: What clients keep, by client id.
    served_clients: Which clients were ever sent a round's message,
      `bool[num_clients]`.
    total_bytes: Bytes sent so far, up and down, `int64[2]`.
    ledger: What has been spent of the clients' privacy.
  """

  def __init__(
      self,
      config,
      algorithm: federated_algorithm.FederatedAlgorithm,
      federation: federation_lib.Federation,
      cohort_size: int = 1,
      copies_examples: bool = False,
      cohort_training: str = 'in_turn',
      cohort_device: Optional[str] = None,
  ):
    """Starts a run.

    Args:
      config: The `ExperimentConfig`.
      algorithm: The algorithm that was built for it.
      federation: The clients.
      cohort_size: Clients that one program trains; 0 is chosen for the run, 1
        is client by client. It changes nothing but the order of sums.
      copies_examples: Whether a cohort is given a copy of its examples, for a
        runtime that sends them elsewhere.
      cohort_training: How the clients of a cohort train: see `cohorts`.
      cohort_device: The GPU that trains them, if it is one.
    """
    self._federation = federation
    self._draw = participation.build_draw_fn(
        federation.seen_clients, config, config.seed
    )
    self.ledger = privacy_ledger.PrivacyLedger(
        config, algorithm.mechanism, self._draw
    )
    self._cohorts = cohorts.Cohorts(
        algorithm,
        federation,
        cohort_size,
        copies_examples,
        cohort_training,
        cohort_device,
    )
    self.algorithm = algorithm
    self.server_state = algorithm.process.initialize()
    self.client_states = {}
    self.served_clients = np.zeros(federation.partition.num_clients, bool)
    self.total_bytes = np.zeros(2, np.int64)  # Up, down.

  @property
  def _stateful(self) -> bool:
    return self.algorithm.initial_client_state is not None

  def _client_state(self, client_id: int):
    initial = self.algorithm.initial_client_state
    return self.client_states.get(client_id, initial)

  def _train_data(self, clients):
    return [self._federation.train_data(client_id) for client_id in clients]

  def train_round(self, round_num: int) -> Dict[str, Any]:
    """Runs round `round_num`, from 1; returns its row of metrics.

    What nobody answered is missing in it: the loss, and what the algorithm
    measures. The server's state is kept then.
    """
    participants = self._draw(round_num)
    clients, lost = participants.counted, participants.lost
    down = self._count_received(lost) + self._count_setup((*clients, *lost))
    up = 0
    measured: Dict[str, Any] = {}
    if clients:
      measured = self._train_clients(clients)
      up = int(measured.pop('bytes_up'))
      down += int(measured.pop('bytes_down'))
    else:
      logging.warning(
          'Round %d: none of %d clients answered in time; the state is kept.',
          round_num,
          len(lost),
      )
    self.total_bytes += (up, down)
    row = dict(
        round_num=round_num,
        bytes_up=up,
        bytes_down=down,
        total_bytes_up=int(self.total_bytes[0]),
        total_bytes_down=int(self.total_bytes[1]),
        bits_per_weight_down=self._bits_per_weight(
            down, len(clients) + len(lost)
        ),
        clients_drawn=len(clients) + len(lost),
        clients_dropped=participants.num_dropped,
        clients_late=participants.num_late,
        clients_counted=len(clients),
        **{name: value.item() for name, value in measured.items()},
    )
    if clients:
      row['bits_per_weight_up'] = self._bits_per_weight(up, len(clients))
    epsilon = self.ledger.epsilon(round_num)
    if epsilon is not None:
      row['epsilon'] = epsilon
    if participants.duration is not None:
      row['simulated_duration'] = participants.duration
    return row

  def _train_clients(self, clients: Sequence[int]) -> Dict[str, Any]:
    """Runs a round of clients; returns what is measured."""
    if self._cohorts.can_run(len(clients)):
      output = self._cohorts.train_round(self.server_state, clients)
    elif self._stateful:
      data = self._train_data(clients)
      states = [self._client_state(client_id) for client_id in clients]
      output = self.algorithm.process.next(self.server_state, states, data)
      self.client_states.update(
          (client_id, tree.map_structure(np.asarray, state))
          for client_id, state in zip(clients, output.client_states)
      )
    else:
      output = self.algorithm.process.next(
          self.server_state, self._train_data(clients)
      )
    self.server_state = output.state
    return dict(output.metrics)

  def _count_received(self, lost: Sequence[int]) -> int:
    """Returns the bytes of the round's message to clients that do not run."""
    if not lost:
      return 0
    if self._stateful:
      states = [self._client_state(client_id) for client_id in lost]
      return int(self.algorithm.count_received(self.server_state, states))
    return len(lost) * int(self.algorithm.count_received(self.server_state))

  def _count_setup(self, clients: Sequence[int]) -> int:
    """Returns the bytes of what those of the clients who are new are sent."""
    num_new = int(np.sum(~self.served_clients[list(clients)]))
    self.served_clients[list(clients)] = True
    return num_new * sum(
        np.asarray(leaf).nbytes
        for leaf in tree.flatten(self.algorithm.setup_message)
    )

  def _bits_per_weight(self, num_bytes: int, num_clients: int) -> float:
    return 8 * num_bytes / (num_clients * self.algorithm.num_weights)

  def global_accuracy(self) -> float:
    """Returns the accuracy of the global model on the data set's test split."""
    result = self.algorithm.evaluate(
        self.server_state, self._federation.test_shards
    )
    return float(result['num_correct'] / result['num_examples'])

  def personal_accuracies(
      self, clients: Optional[Sequence[int]] = None
  ) -> Dict[int, float]:
    """Returns clients' own accuracies after their local training, by id.

    Args:
      clients: Their ids; all clients by default.
    """
    if clients is None:
      clients = self._federation.seen_clients + self._federation.unseen_clients
    if self._cohorts.can_run(len(clients)):
      counts = self._cohorts.evaluate_personal(self.server_state, clients)
    else:
      states = (
          ([self._client_state(client_id) for client_id in clients],)
          if self._stateful
          else ()
      )
      counts = self.algorithm.evaluate_personal(
          self.server_state,
          *states,
          self._train_data(clients),
          [self._federation.test_data(client_id) for client_id in clients],
      )
    return {
        client_id: float(count['num_correct'] / count['num_examples'])
        for client_id, count in zip(clients, counts)
    }

  def to_checkpoint(self):
    """Returns everything a run goes on from, as arrays."""
    ids = sorted(self.client_states)
    return collections.OrderedDict(
        server_state=self.server_state,
        client_ids=np.array(ids, np.int32),
        client_states=(
            federation_lib.stack_states([self.client_states[i] for i in ids])
            if ids
            else self.algorithm.initial_client_state or ()
        ),
        served_clients=self.served_clients,
        total_bytes=self.total_bytes,
    )

  def from_checkpoint(self, saved) -> None:
    """Goes on from what `to_checkpoint` returned."""
    self.server_state = saved['server_state']
    self.client_states = {
        int(client_id): tree.map_structure(
            lambda leaf, row=row: leaf[row], saved['client_states']
        )
        for row, client_id in enumerate(saved['client_ids'])
    }
    self.served_clients = np.array(saved['served_clients'])
    self.total_bytes = np.array(saved['total_bytes'])
