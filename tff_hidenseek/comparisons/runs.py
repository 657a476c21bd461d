"""Trains the runs of a comparison, each in a process of its own."""

import os
import pathlib
import signal
import sys
from typing import Dict, List, Sequence

import tqdm

from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.comparisons import plan as plan_lib
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import run_folder
from tff_hidenseek import files

# Where `binaries` is found, too.
CODE_DIR = str(pathlib.Path(__file__).resolve().parents[2])


def prepare(
    runs: Sequence[plan_lib.PlannedRun], found: Sequence[plan_lib.PlannedRun]
) -> None:
  """Writes the flag files of runs that may be trained in their folders.

  Args:
    runs: The runs.
    found: Those that are in the comparison's folder, with which they must share
      data and model.

  Raises:
    ValueError: If a folder holds another run, or a table would not be fair;
      nothing is written then.
  """
  for run in runs:
    run_folder.check(run.run_dir, run.config, resume=True)
  folders = {run.run_dir for run in runs}
  plan_lib.check_is_fair([
      *runs,
      *(
          run
          for run in found
          if run.run_dir not in folders and os.path.isdir(run.run_dir)
      ),
  ])
  for run in runs:
    os.makedirs(os.path.dirname(run.flag_file), exist_ok=True)
    files.write_atomically(run.flag_file, run.config.to_flag_file().encode())


def train(
    runs: Sequence[plan_lib.PlannedRun],
    num_parallel: int,
    command: Sequence[str],
) -> bool:
  """Trains what has neither finished nor diverged, and shows how far it is.

  Args:
    runs: The runs, which are prepared.
    num_parallel: How many run at a time.
    command: The words of `binaries.train`, to which a run's flag file and
      folder are added.

  Returns:
    Whether none failed. A training that diverges is a result.
  """
  waiting = [
      run
      for run in runs
      if not run_folder.is_finished(run.run_dir)
      and divergence.read(run.run_dir) is None
  ]
  progress = _Progress(runs, len(runs) - len(waiting))
  search_path = [CODE_DIR, *filter(None, [os.environ.get('PYTHONPATH')])]
  with progress.bar:
    child_commands.run(
        [
            child_commands.Command(
                run.name,
                [
                    *command,
                    f'--flagfile={run.flag_file}',
                    f'--output_dir={run.run_dir}',
                ],
                run.log_file,
            )
            for run in waiting
        ],
        num_parallel,
        environment=dict(PYTHONPATH=os.pathsep.join(search_path)),
        on_poll=progress.show,
        on_end=progress.end,
    )
  return progress.all_succeeded


class _Progress:
  """A bar of the runs that have ended, and of the rounds in those that run."""

  def __init__(self, runs: Sequence[plan_lib.PlannedRun], num_ended: int):
    self._runs: Dict[str, plan_lib.PlannedRun] = {r.name: r for r in runs}
    self.all_succeeded = True
    self.bar = tqdm.tqdm(
        total=len(runs), initial=num_ended, unit='run', dynamic_ncols=True
    )

  def show(self, names: Sequence[str]) -> None:
    """Shows the rounds of those that run."""
    texts: List[str] = []
    for name in names:
      run = self._runs[name]
      num_rounds = metrics.count_rounds(run.run_dir)
      texts.append(f'{name}: {num_rounds}/{run.config.num_rounds} rounds')
    if (text := ', '.join(texts)) != self.bar.postfix:
      self.bar.set_postfix_str(text)

  def end(self, name: str, exit_status: int) -> None:
    """Counts one that has ended, and says so if it did not finish."""
    self.bar.update()
    if not exit_status:
      return
    run = self._runs[name]
    noted = divergence.read(run.run_dir)
    if noted:
      self._say(f'diverged at round {noted["round_num"]}: {name}')
      return
    self.all_succeeded = False
    reason = child_commands.last_error(run.log_file)
    if exit_status < 0:
      reason = f'ended by {signal.Signals(-exit_status).name}'
    self._say(f'failed: {name}: {reason} (all it said: {run.log_file})')

  def _say(self, text: str) -> None:
    self.bar.write(text, file=sys.stderr)
