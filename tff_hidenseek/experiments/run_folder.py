"""A run's folder: its config, and the rule that two runs never share one."""

import os

# The config that made the folder, as a flag file.
CONFIG_FILE = 'config.flags'
# The global Keras model after the last round.
FINAL_MODEL_FILE = 'final_model.keras'


def prepare(run_dir: str, config, resume: bool) -> None:
  """Makes the folder of a new run, or checks that of a run to go on with.

  Args:
    run_dir: The run's folder.
    config: The `ExperimentConfig` that is to be run.
    resume: Whether a run that is there may go on.

  Raises:
    ValueError: If the folder holds another run, or the same without `resume`,
      or other files.
  """
  text = config.to_flag_file()
  path = os.path.join(run_dir, CONFIG_FILE)
  if os.path.exists(path):
    with open(path, encoding='utf-8') as existing:
      differing = sorted(
          set(existing.read().splitlines()) ^ set(text.splitlines())
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
  # What is left where a run was killed while its config was written.
  unfinished = path + '.tmp'
  others = set(os.listdir(run_dir)) if os.path.isdir(run_dir) else set()
  if others - {os.path.basename(unfinished)}:
    raise ValueError(
        f'`output_dir` must be new or empty, found other files in {run_dir}.'
    )
  os.makedirs(run_dir, exist_ok=True)
  with open(unfinished, 'w', encoding='utf-8') as flag_file:
    flag_file.write(text)
  os.replace(unfinished, path)
