"""Trains one algorithm on one federation and records everything about it."""

import functools
import time
from typing import Any, Dict, List, Mapping, Optional

import numpy as np
import tqdm

from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import metrics as metrics_lib
from tff_hidenseek.experiments import personal_accuracies
from tff_hidenseek.experiments import privacy_ledger
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import architectures
from tff_hidenseek.models import kernel_shapes


def build_algorithm(
    config,
    federation: federation_lib.Federation,
    adversary: Optional[attacks.Adversary] = None,
) -> federated_algorithm.FederatedAlgorithm:
  """Builds the algorithm of an experiment for its data.

  Args:
    config: The experiment.
    federation: Its data.
    adversary: Who is malicious; by default the experiment's draw.

  Returns:
    The algorithm.

  Raises:
    ValueError: If the images are too small for the model, or the algorithm's
      options do not fit it.
  """
  dataset = federation.dataset
  input_shape = dataset.image_shape
  build_model = functools.partial(
      architectures.MODELS[config.model], input_shape, dataset.num_classes
  )
  try:
    kernel_shapes.kernel_shapes(build_model)
  except ValueError as error:
    raise ValueError(
        '`model` must be one for images of shape '
        f'{input_shape}, found {config.model!r}, which needs larger ones.'
    ) from error
  sampling = privacy_ledger.describe_sampling(config, federation)
  task = federated_algorithm.LearningTask(
      build_model=build_model,
      input_shape=input_shape,
      num_classes=dataset.num_classes,
      seed=config.seed,
      trained_classes=federation_lib.find_trained_classes(federation, config),
      adversary=adversary
      or attacks.draw_adversary(config, federation.seen_clients, config.seed),
      sampling=sampling,
  )
  options = privacy_ledger.find_noise(config, sampling)
  return registry.ALGORITHMS[config.algorithm].build(task, options)


def summarize_personal(
    accuracies: Mapping[int, float], federation: federation_lib.Federation
) -> Dict[str, float]:
  """Returns the columns that describe the clients' own accuracies.

  Args:
    accuracies: By client id; seen clients at least.
    federation: The clients.
  """
  seen = np.sort(
      [accuracies[i] for i in federation.seen_clients if i in accuracies]
  )
  unseen = [accuracies[i] for i in federation.unseen_clients if i in accuracies]
  worst = seen[: max(1, round(0.1 * len(seen)))]
  row = dict(
      personal_accuracy_mean=float(seen.mean()),
      personal_accuracy_std=float(seen.std()),
      personal_accuracy_worst_decile=float(worst.mean()),
  )
  if unseen:
    row['unseen_personal_accuracy_mean'] = float(np.mean(unseen))
  return row


def interim_clients(
    federation: federation_lib.Federation, config
) -> Optional[List[int]]:
  """Returns the clients of personal evaluations before the last.

  Args:
    federation: The clients.
    config: The experiment.

  Returns:
    Seen clients at equal distances; `None` is all clients, unseen ones too.
  """
  seen = federation.seen_clients
  count = min(config.num_personal_clients, len(seen))
  return [seen[i * len(seen) // count] for i in range(count)] or None


def is_over(
    config, round_num: int, num_bytes: int, seconds: float
) -> bool:
  """Returns whether a run has done its rounds or spent its budget.

  Args:
    config: The experiment.
    round_num: How many rounds have been run.
    num_bytes: Bytes sent in them, up and down.
    seconds: Seconds of training that they took.
  """
  return (
      round_num >= config.num_rounds
      or 0 < config.max_megabytes <= num_bytes / 1e6
      or 0 < config.max_seconds <= seconds
  )


def restore(
    run: training_run.TrainingRun, manager: checkpoints.CheckpointManager
) -> int:
  """Brings a run to its newest whole checkpoint; returns the rounds done."""
  newest = manager.load_newest(run.to_checkpoint())
  if newest is None:
    return 0
  num_done, saved = newest
  run.from_checkpoint(saved)
  return num_done


def train(
    config,
    run: training_run.TrainingRun,
    federation: federation_lib.Federation,
    run_dir: str,
) -> List[Dict[str, Any]]:
  """Trains to the last round, from the newest checkpoint if there is one.

  The last round is `num_rounds`, or the first that reaches the budget of bytes
  or of seconds.

  Args:
    config: The experiment.
    run: Its run, not begun.
    federation: Its data and clients.
    run_dir: The run's folder, which exists.

  Returns:
    The metrics, a row a round.

  Raises:
    CheckpointError: If a checkpoint cannot be written.
    DivergenceError: If a loss or the server's state is no longer finite.
  """
  manager = checkpoints.CheckpointManager(checkpoints.folder(run_dir))
  num_done = restore(run, manager)
  divergence.forget(run_dir)
  writer = metrics_lib.MetricsWriter(
      run_dir, num_done, run.algorithm.measurements
  )
  progress = tqdm.tqdm(
      total=config.num_rounds,
      initial=num_done,
      desc=config.algorithm,
      unit='round',
      dynamic_ncols=True,
  )
  try:
    round_num = num_done
    seconds = sum(row['seconds'] for row in writer.rows)
    while not is_over(config, round_num, run.total_bytes.sum(), seconds):
      round_num += 1
      start = time.monotonic()
      row = run.train_round(round_num)
      divergence.check(run_dir, config, row, run.server_state)
      row['seconds'] = time.monotonic() - start
      seconds += row['seconds']
      is_last = is_over(config, round_num, run.total_bytes.sum(), seconds)
      if is_last or round_num % config.rounds_per_evaluation == 0:
        row['global_accuracy'] = run.global_accuracy()
      every = config.rounds_per_personal_evaluation
      if is_last or (every and round_num % every == 0):
        accuracies = run.personal_accuracies(
            None if is_last else interim_clients(federation, config)
        )
        row.update(summarize_personal(accuracies, federation))
        if is_last:
          personal_accuracies.write(run_dir, accuracies, federation)
      writer.write(row)
      if is_last or round_num % config.rounds_per_checkpoint == 0:
        manager.save(round_num, run.to_checkpoint())
      _show(progress, row)
  finally:
    progress.close()
    writer.close()
  return writer.rows


def _show(progress: tqdm.tqdm, row: Dict[str, Any]) -> None:
  """Moves the progress bar on by a round."""
  if row.get('global_accuracy') is not None:
    progress.set_postfix_str(
        f'accuracy {row["global_accuracy"]:.3f}, '
        f'{row["total_bytes_up"] / 1e6:.2f} MB up',
        refresh=False,
    )
  progress.update()
