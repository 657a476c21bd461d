"""A run's folder: its config, and the rule that two runs never share one."""

import os

# The config that made the folder, as a flag file.
CONFIG_FILE = 'config.flags'
# The global Keras model after the last round; a run that has it has finished.
FINAL_MODEL_FILE = 'final_model.keras'
# What is left of it where a run was killed while its config was written.
_UNFINISHED_CONFIG_FILE = CONFIG_FILE + '.tmp'
_UNFINISHED_MODEL_FILE = 'unfinished_model.keras'


def check(run_dir: str, config, resume: bool) -> None:
  """Checks that a run may begin, or go on, in a folder; changes nothing.

  Args:
    run_dir: The run's folder, which need not exist.
    config: The `ExperimentConfig` that is to be run.
    resume: Whether a run that is there may go on.

  Raises:
    ValueError: If the folder holds another run, or the same without `resume`,
      or other files.
  """
  path = os.path.join(run_dir, CONFIG_FILE)
  if os.path.exists(path):
    with open(path, encoding='utf-8') as existing:
      differing = sorted(
          set(existing.read().splitlines())
          ^ set(config.to_flag_file().splitlines())
      )
    if differing:
      raise ValueError(
          '`output_dir` must not hold another run, found one in '
          f'{run_dir} that differs in {" ".join(differing)}.'
      )
    if not resume:
      raise ValueError(
          f'`output_dir` must be new, found this run already in {run_dir}. '
          'Add --resume to go on with it, or choose another folder.'
      )
    return
  files = set(os.listdir(run_dir)) if os.path.isdir(run_dir) else set()
  if files - {_UNFINISHED_CONFIG_FILE}:
    raise ValueError(
        f'`output_dir` must be new or empty, found other files in {run_dir}.'
    )


def prepare(run_dir: str, config) -> None:
  """Makes the folder of a run and writes its config.

  Args:
    run_dir: The run's folder, which `check` has passed.
    config: The `ExperimentConfig` that is to be run.
  """
  os.makedirs(run_dir, exist_ok=True)
  unfinished = os.path.join(run_dir, _UNFINISHED_CONFIG_FILE)
  with open(unfinished, 'w', encoding='utf-8') as flag_file:
    flag_file.write(config.to_flag_file())
  os.replace(unfinished, os.path.join(run_dir, CONFIG_FILE))


def save_final_model(run_dir: str, model) -> None:
  """Writes the model of a finished run, in whole or not at all.

  Args:
    run_dir: The run's folder, which exists.
    model: The Keras model.
  """
  unfinished = os.path.join(run_dir, _UNFINISHED_MODEL_FILE)
  model.save(unfinished)
  os.replace(unfinished, os.path.join(run_dir, FINAL_MODEL_FILE))


def is_finished(run_dir: str) -> bool:
  """Returns whether a folder holds a run that has finished."""
  return os.path.exists(os.path.join(run_dir, FINAL_MODEL_FILE))
