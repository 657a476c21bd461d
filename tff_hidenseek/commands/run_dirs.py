"""What commands need that are given the folder of a run."""

import os
from typing import Optional, Tuple

from absl import flags

from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run


def load(
    run_dir: str, data_dir: Optional[str]
) -> Tuple[config_lib.ExperimentConfig, federation_lib.Federation]:
  """Reads a run's config, and loads its data again.

  Args:
    run_dir: The run's folder.
    data_dir: Where its data is now, if that has moved.

  Raises:
    ValueError: If there is no run, or the data has changed and the flag
      `allow_changed_data` is not given.
    FileNotFoundError: If a file of the data set is missing.
  """
  config = experiment_flags.config_from_file(
      os.path.join(run_dir, run_folder.CONFIG_FILE)
  )
  if data_dir:
    config = config_lib.with_data_dir(config, data_dir)
  federation = federation_lib.build_federation(config)
  run_data.check(run_dir, federation, flags.FLAGS.allow_changed_data)
  return config, federation


def restore(run: training_run.TrainingRun, run_dir: str) -> int:
  """Brings a run to its newest checkpoint; returns the rounds done.

  Args:
    run: The run, not begun.
    run_dir: Its folder.

  Raises:
    ValueError: If there is no checkpoint.
  """
  manager = checkpoints.CheckpointManager(checkpoints.folder(run_dir))
  num_done = training_loop.restore(run, manager)
  if not num_done:
    raise ValueError(
        f'`run_dir` must hold a checkpoint, found none in {run_dir}.'
    )
  return num_done
