"""A run's folder: its config, and the rule that two runs never share one."""

import os
from typing import Dict, Mapping

from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import metrics
from tff_hidenseek import files

# The config that made the folder, as a flag file.
CONFIG_FILE = 'config.flags'
# The global Keras model after the last round; a run that has it has finished.
FINAL_MODEL_FILE = 'final_model.keras'
# What says how long a run goes on, and no more: a longer run begins with the
# bits of a shorter one.
_LIMITS = frozenset(['num_rounds', 'max_megabytes', 'max_seconds'])


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
  if os.path.exists(run_dir) and not os.path.isdir(run_dir):
    raise ValueError(
        f'`output_dir` must be a folder, found the file {run_dir}.'
    )
  path = os.path.join(run_dir, CONFIG_FILE)
  if os.path.exists(path):
    differing = _find_differences(path, config)
    if resume and set(differing) <= _LIMITS:
      _check_rounds(run_dir, config)
      _check_noise(differing, config)
    elif differing:
      asked = config.flag_values()
      lines = [f'--{name}={value}' for name, value in differing.items()]
      lines += [f'--{x}={asked[x]}' for x in differing if x in asked]
      raise ValueError(
          '`output_dir` must not hold another run, found one in '
          f'{run_dir} that differs in {" ".join(sorted(lines))}.'
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


def _check_rounds(run_dir: str, config) -> None:
  """Raises `ValueError` if more rounds have been run than are asked for."""
  num_done = metrics.count_rounds(run_dir)
  if num_done > config.num_rounds:
    raise ValueError(
        f'`num_rounds` must be at least the {num_done} that the run in '
        f'{run_dir} has done, found {config.num_rounds}.'
    )


def _check_noise(differing: Mapping[str, str], config) -> None:
  """Raises `ValueError` if rounds are added to a run whose noise they decided.

  With other noise it would not be the run that is there, and with the same it
  would not keep the budget.
  """
  target = getattr(config.options, 'target_epsilon', 0)
  if target and 'num_rounds' in differing:
    raise ValueError(
        '`num_rounds` must stay what it was, with `target_epsilon`, found '
        f'{config.num_rounds} for {differing["num_rounds"]}: the noise was '
        'chosen for so many rounds. A run with `noise_multiplier` can go on, '
        'and its epsilon grows.'
    )


def _find_differences(path: str, config) -> Dict[str, str]:
  """Returns the options of a flag file that a config does not have.

  An option that came since the file was written has its default there, and a
  relative path, which files once had, is of the working directory.
  """
  defaults = config_lib.build_config(dict(algorithm=config.algorithm))
  found = dict(defaults.flag_values())
  # What is no text differs from every config, and is shown.
  with open(path, encoding='utf-8', errors='replace') as lines:
    for line in lines.read().splitlines():
      name, _, value = line.removeprefix('--').partition('=')
      found[name] = value
  found = config_lib.make_paths_absolute(found)
  asked = config.flag_values()
  return {
      name: str(value)
      for name, value in found.items()
      if name not in asked or str(value) != str(asked[name])
  }


def prepare(run_dir: str, config) -> None:
  """Makes the folder of a run and writes its config.

  A finished run that is to go on, with other limits, is not finished any more.

  Args:
    run_dir: The run's folder, which `check` has passed.
    config: The `ExperimentConfig` that is to be run.
  """
  os.makedirs(run_dir, exist_ok=True)
  files.remove_unfinished(run_dir)
  if is_finished(run_dir) and _find_differences(
      os.path.join(run_dir, CONFIG_FILE), config
  ):
    os.remove(os.path.join(run_dir, FINAL_MODEL_FILE))
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
