"""Trains one algorithm on one federation and records everything about it."""

import collections
import functools
import os
import time
from typing import Any, Dict, List

import attrs
import numpy as np
import tqdm
import tree

from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import metrics as metrics_lib
from tff_hidenseek.experiments import registry
from tff_hidenseek.learning import federated_algorithm


@attrs.frozen(eq=False)
class TrainingResult:
  """What a run ends with.

  Attributes:
    state: The server's state after the last round.
    client_states: What clients keep, by client id.
    rows: The run's metrics, a row a round.
    personal_accuracies: Accuracy of each client's personal model, by client
      id, after the last round.
  """

  state: federated_algorithm.ServerState
  client_states: Dict[int, Any]
  rows: List[Dict[str, Any]]
  personal_accuracies: Dict[int, float]


def build_algorithm(
    config, federation: federation_lib.Federation
) -> federated_algorithm.FederatedAlgorithm:
  """Builds the algorithm of an experiment for its data."""
  dataset = federation.dataset
  input_shape = dataset.train_x.shape[1:]
  task = federated_algorithm.LearningTask(
      build_model=functools.partial(
          registry.MODELS[config.model], input_shape, dataset.num_classes
      ),
      input_shape=input_shape,
      num_classes=dataset.num_classes,
      seed=config.seed,
  )
  return registry.ALGORITHMS[config.algorithm].build(task, config.options)


class _Run:
  """The mutable state of a run: what a checkpoint holds, and its updates."""

  def __init__(self, config, algorithm, federation):
    self._config = config
    self._federation = federation
    self._sample_clients = federation_lib.build_sampling_fn(federation, config)
    self.algorithm = algorithm
    self.server_state = algorithm.process.initialize()
    self.client_states = {}
    self.served_clients = np.zeros(federation.partition.num_clients, bool)
    self.total_bytes = np.zeros(2, np.int64)  # Up, down.

  @property
  def _stateful(self) -> bool:
    return self.algorithm.initial_client_state is not None

  def _client_state(self, client_id: int):
    return self.client_states.get(client_id, self.algorithm.initial_client_state)

  def train_round(self, round_num: int) -> Dict[str, Any]:
    """Runs round `round_num`, from 1; returns its row of metrics."""
    clients = self._sample_clients(round_num)
    data = [self._federation.train_data(client_id) for client_id in clients]
    if self._stateful:
      states = [self._client_state(client_id) for client_id in clients]
      output = self.algorithm.process.next(self.server_state, states, data)
      self.client_states.update(
          (client_id, tree.map_structure(np.asarray, state))
          for client_id, state in zip(clients, output.client_states)
      )
    else:
      output = self.algorithm.process.next(self.server_state, data)
    self.server_state = output.state
    measured = dict(output.metrics)
    setup_bytes = sum(
        np.asarray(leaf).nbytes
        for leaf in tree.flatten(self.algorithm.setup_message)
    ) * int(np.sum(~self.served_clients[clients]))
    self.served_clients[clients] = True
    up = int(measured.pop('bytes_up'))
    down = int(measured.pop('bytes_down')) + setup_bytes
    self.total_bytes += (up, down)
    bits = 8 / (len(clients) * self.algorithm.num_weights)
    return dict(
        round_num=round_num,
        bytes_up=up,
        bytes_down=down,
        total_bytes_up=int(self.total_bytes[0]),
        total_bytes_down=int(self.total_bytes[1]),
        bits_per_weight_up=up * bits,
        bits_per_weight_down=down * bits,
        **{name: value.item() for name, value in measured.items()},
    )

  def global_accuracy(self) -> float:
    """Returns the accuracy of the global model on the data set's test split."""
    result = self.algorithm.evaluate(
        self.server_state, self._federation.test_shards
    )
    return float(result['num_correct'] / result['num_examples'])

  def personal_accuracies(self) -> Dict[int, float]:
    """Returns every client's own accuracy after its local training, by id."""
    clients = self._federation.seen_clients + self._federation.unseen_clients
    states = (
        ([self._client_state(client_id) for client_id in clients],)
        if self._stateful
        else ()
    )
    counts = self.algorithm.evaluate_personal(
        self.server_state,
        *states,
        [self._federation.train_data(client_id) for client_id in clients],
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


def _summarize_personal(
    accuracies: Dict[int, float], federation: federation_lib.Federation
) -> Dict[str, float]:
  """Returns the columns that describe the clients' own accuracies."""
  seen = np.sort([accuracies[i] for i in federation.seen_clients])
  worst = seen[: max(1, round(0.1 * len(seen)))]
  row = dict(
      personal_accuracy_mean=float(seen.mean()),
      personal_accuracy_std=float(seen.std()),
      personal_accuracy_worst_decile=float(worst.mean()),
  )
  if federation.unseen_clients:
    row['unseen_personal_accuracy_mean'] = float(
        np.mean([accuracies[i] for i in federation.unseen_clients])
    )
  return row


def train(
    config,
    algorithm: federated_algorithm.FederatedAlgorithm,
    federation: federation_lib.Federation,
    run_dir: str,
) -> TrainingResult:
  """Trains to the last round, from the newest checkpoint if there is one.

  Args:
    config: The experiment.
    algorithm: What `build_algorithm` made for it.
    federation: Its data and clients.
    run_dir: The run's folder, which exists.

  Returns:
    The result.

  Raises:
    CheckpointError: If a checkpoint cannot be written.
  """
  run = _Run(config, algorithm, federation)
  manager = checkpoints.CheckpointManager(os.path.join(run_dir, 'checkpoints'))
  newest = manager.load_newest(run.to_checkpoint())
  num_done = 0
  if newest is not None:
    num_done, saved = newest
    run.from_checkpoint(saved)
  writer = metrics_lib.MetricsWriter(run_dir, num_done)
  personal = {}
  progress = tqdm.tqdm(
      total=config.num_rounds,
      initial=num_done,
      desc=config.algorithm,
      unit='round',
      dynamic_ncols=True,
  )
  try:
    for round_num in range(num_done + 1, config.num_rounds + 1):
      start = time.monotonic()
      row = run.train_round(round_num)
      row['seconds'] = time.monotonic() - start
      is_last = round_num == config.num_rounds
      if is_last or round_num % config.rounds_per_evaluation == 0:
        row['global_accuracy'] = run.global_accuracy()
      every = config.rounds_per_personal_evaluation
      if is_last or (every and round_num % every == 0):
        personal = run.personal_accuracies()
        row.update(_summarize_personal(personal, federation))
      writer.write(row)
      if is_last or round_num % config.rounds_per_checkpoint == 0:
        manager.save(round_num, run.to_checkpoint())
      _show(progress, row)
  finally:
    progress.close()
    writer.close()
  if not personal:
    personal = run.personal_accuracies()
  return TrainingResult(
      state=run.server_state,
      client_states=run.client_states,
      rows=writer.rows,
      personal_accuracies=personal,
  )


def _show(progress: tqdm.tqdm, row: Dict[str, Any]) -> None:
  """Moves the progress bar on by a round."""
  if row.get('global_accuracy') is not None:
    progress.set_postfix_str(
        f'accuracy {row["global_accuracy"]:.3f}, '
        f'{row["total_bytes_up"] / 1e6:.2f} MB up',
        refresh=False,
    )
  progress.update()
