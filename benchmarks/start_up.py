"""Times a command from its start to its first round, beside another version.

python -m benchmarks.start_up --runs=5 --other_checkout=../older \
    --flagfile_of_run=configs/hidenseek.digits.cnn.flags
"""

import os
import statistics
import subprocess
import tempfile
import time
from typing import Dict, List

from absl import flags

from benchmarks import system_processes
from tff_hidenseek.commands import command_line

_RUNS = flags.DEFINE_integer('runs', 5, 'Timed runs of each.', lower_bound=1)
_FLAGFILE = flags.DEFINE_string(
    'flagfile_of_run',
    'configs/hidenseek.digits.cnn.flags',
    'What `binaries.train` is given, one round of it.',
)
_OTHER = flags.DEFINE_string(
    'other_checkout',
    None,
    'The folder of another version of this project, with its own .venv: timed '
    'in turn with this one.',
)
_POLL_SECONDS = 0.005


def _time_run(root: str, python: str) -> float:
  """Returns the seconds from the command to the metrics of its first round."""
  with tempfile.TemporaryDirectory() as folder:
    run_dir = os.path.join(folder, 'run')
    metrics = os.path.join(run_dir, 'metrics.jsonl')
    start = time.monotonic()
    with subprocess.Popen(
        [python, '-m', 'binaries.train', f'--flagfile={_FLAGFILE.value}']
        + ['--num_rounds=1', f'--output_dir={run_dir}'],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
      while not (os.path.exists(metrics) and os.path.getsize(metrics)):
        if process.poll() is not None:
          raise ValueError(
              f'`binaries.train` in {root} ended with {process.returncode} '
              'before its first round.'
          )
        time.sleep(_POLL_SECONDS)
      seconds = time.monotonic() - start
  return seconds


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    checkouts = {'this': system_processes.find_checkout(None)}
    if _OTHER.value:
      checkouts['other'] = system_processes.find_checkout(_OTHER.value)
    seconds: Dict[str, List[float]] = {name: [] for name in checkouts}
    for _ in range(_RUNS.value + 1):
      for name, (root, python) in checkouts.items():
        seconds[name].append(_time_run(root, python))
  for name in checkouts:
    del seconds[name][0]  # Fills the page cache.
    print(f'{name:<6} {statistics.median(seconds[name]):6.2f} s')
  if _OTHER.value:
    ratio = statistics.median(
        this / other for this, other in zip(seconds['this'], seconds['other'])
    )
    print(f'ratio  {ratio:6.2f}')


if __name__ == '__main__':
  command_line.run(main)
