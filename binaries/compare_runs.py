"""The runs of a comparison, each `binaries.train` in a process of its own."""

import os
import signal
import sys
from typing import Sequence

from absl import flags
import tqdm

from binaries import runtime_flags
from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.comparisons import plan
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import run_folder

CODE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _runtime_arguments():
  defined = flags.FLAGS.flags_by_module_dict()[runtime_flags.__name__]
  return [flag.serialize() for flag in defined if flag.present]


def _make_command(run) -> child_commands.Command:
  return child_commands.Command(
      run.name,
      child_commands.python_command(
          'binaries.train',
          f'--flagfile={run.flag_file}',
          f'--output_dir={run.run_dir}',
          '--resume',
          *_runtime_arguments(),
      ),
      run.log_file,
  )


def train(runs: Sequence[plan.PlannedRun], num_parallel: int) -> bool:
  """Runs what has not finished, and shows how far it is.

  Args:
    runs: The runs, whose flag files are written.
    num_parallel: How many run at a time.

  Returns:
    Whether all of them succeeded.
  """
  by_name = {run.name: run for run in runs}
  waiting = [run for run in runs if not run_folder.is_finished(run.run_dir)]
  all_succeeded = True
  progress = tqdm.tqdm(
      total=len(runs),
      initial=len(runs) - len(waiting),
      unit='run',
      dynamic_ncols=True,
  )

  shown = ''

  def show(names):
    nonlocal shown
    texts = []
    for name in names:
      num_rounds = metrics.count_rounds(by_name[name].run_dir)
      texts.append(
          f'{name}: {num_rounds}/{by_name[name].config.num_rounds} rounds'
      )
    if ', '.join(texts) != shown:
      shown = ', '.join(texts)
      progress.set_postfix_str(shown)

  def end(name, exit_status):
    nonlocal all_succeeded
    progress.update()
    if exit_status:
      all_succeeded = False
      reason = child_commands.last_error(by_name[name].log_file)
      if exit_status < 0:
        reason = f'ended by {signal.Signals(-exit_status).name}'
      progress.write(
          f'failed: {name}: {reason} (all it said: {by_name[name].log_file})',
          file=sys.stderr,
      )

  with progress:
    child_commands.run(
        [_make_command(run) for run in waiting],
        num_parallel,
        environment=dict(
            PYTHONPATH=os.pathsep.join(
                [CODE_DIR, *filter(None, [os.environ.get('PYTHONPATH')])]
            )
        ),
        on_poll=show,
        on_end=end,
    )
  return all_succeeded
