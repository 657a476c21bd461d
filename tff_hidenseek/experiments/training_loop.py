"""Trains one algorithm on one federation and records everything about it."""

import functools
import os
import time
from typing import Any, Dict, List

import numpy as np
import tqdm

from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import metrics as metrics_lib
from tff_hidenseek.experiments import registry
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import model_table


def build_algorithm(
    config, federation: federation_lib.Federation
) -> federated_algorithm.FederatedAlgorithm:
  """Builds the algorithm of an experiment for its data.

  Args:
    config: The experiment.
    federation: Its data.

  Returns:
    The algorithm.

  Raises:
    ValueError: If the images are too small for the model, or the algorithm's
      options do not fit it.
  """
  dataset = federation.dataset
  input_shape = dataset.image_shape
  build_model = functools.partial(
      model_table.MODELS[config.model], input_shape, dataset.num_classes
  )
  try:
    kernel_shapes.kernel_shapes(build_model)
  except ValueError as error:
    raise ValueError(
        '`model` must be one for images of shape '
        f'{input_shape}, found {config.model!r}, which needs larger ones.'
    ) from error
  task = federated_algorithm.LearningTask(
      build_model=build_model,
      input_shape=input_shape,
      num_classes=dataset.num_classes,
      seed=config.seed,
  )
  return registry.ALGORITHMS[config.algorithm].build(task, config.options)


def summarize_personal(
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

  Args:
    config: The experiment.
    run: Its run, not begun.
    federation: Its data and clients.
    run_dir: The run's folder, which exists.

  Returns:
    The metrics, a row a round.

  Raises:
    CheckpointError: If a checkpoint cannot be written.
  """
  manager = checkpoints.CheckpointManager(checkpoint_dir(run_dir))
  num_done = restore(run, manager)
  writer = metrics_lib.MetricsWriter(run_dir, num_done)
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
        row.update(
            summarize_personal(run.personal_accuracies(), federation)
        )
      writer.write(row)
      if is_last or round_num % config.rounds_per_checkpoint == 0:
        manager.save(round_num, run.to_checkpoint())
      _show(progress, row)
  finally:
    progress.close()
    writer.close()
  return writer.rows


def checkpoint_dir(run_dir: str) -> str:
  """Returns the folder of a run's checkpoints."""
  return os.path.join(run_dir, 'checkpoints')


def _show(progress: tqdm.tqdm, row: Dict[str, Any]) -> None:
  """Moves the progress bar on by a round."""
  if row.get('global_accuracy') is not None:
    progress.set_postfix_str(
        f'accuracy {row["global_accuracy"]:.3f}, '
        f'{row["total_bytes_up"] / 1e6:.2f} MB up',
        refresh=False,
    )
  progress.update()
