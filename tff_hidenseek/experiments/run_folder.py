"""A run's folder: its config, and the rule that two runs never share one."""

import os
from typing import List

from tff_hidenseek import files
from tff_hidenseek.experiments import config as config_lib

# The config that made the folder, as a flag file.
CONFIG_FILE = 'config.flags'
# The global Keras model after the last round; a run that has it has finished.
FINAL_MODEL_FILE = 'final_model.keras'


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
      differing = _find_differences(existing.read(), config)
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
  found = os.listdir(run_dir) if os.path.isdir(run_dir) else []
  # Where a run was killed while its config was written, a part of it is left.
  if not all(name.startswith(files.UNFINISHED) for name in found):
    raise ValueError(
        f'`output_dir` must be new or empty, found other files in {run_dir}.'
    )


def _find_differences(flag_file: str, config) -> List[str]:
  """Returns the lines in which a flag file and a config differ.

  An option that came since the file was written has its default there, and a
  relative path, which files once had, is of the working directory.
  """
  defaults = config_lib.build_config(dict(algorithm=config.algorithm))
  found = dict(defaults.flag_values())
  for line in flag_file.splitlines():
    name, _, value = line.removeprefix('--').partition('=')
    found[name] = value
  found = config_lib.make_paths_absolute(found)
  return sorted(
      {f'--{name}={value}' for name, value in found.items()}
      ^ set(config.to_flag_file().splitlines())
  )


def prepare(run_dir: str, config) -> None:
  """Makes the folder of a run and writes its config.

  Args:
    run_dir: The run's folder, which `check` has passed.
    config: The `ExperimentConfig` that is to be run.
  """
  os.makedirs(run_dir, exist_ok=True)
  files.remove_unfinished(run_dir)
  files.write_atomically(
      os.path.join(run_dir, CONFIG_FILE), config.to_flag_file().encode()
  )


def save_final_model(run_dir: str, model) -> None:
  """Writes the model of a finished run, in whole or not at all.

  Args:
    run_dir: The run's folder, which exists.
    model: The Keras model.
  """
  path = os.path.join(run_dir, FINAL_MODEL_FILE)
  with files.replace_when_whole(path) as unfinished:
    model.save(unfinished)


def is_finished(run_dir: str) -> bool:
  """Returns whether a folder holds a run that has finished."""
  return os.path.exists(os.path.join(run_dir, FINAL_MODEL_FILE))
