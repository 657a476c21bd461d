"""Kills train, compare and export at random moments, and looks at what is left.

python -m tools.kill_trial --kills=200 --seed=0

Each command is killed again and again, at a moment that is drawn, and goes on
when it is given again; the trainings that a comparison starts must end with it.
After some kills it may end. What it leaves must have the bits of a run that
nobody disturbed, and no half file. This takes an hour and is no part of the
tests.
"""

import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List, Sequence

from absl import app
from absl import flags
import attrs

from tff_hidenseek.experiments import metrics
from tff_hidenseek import files
from tff_hidenseek.models import keras_files
from tools import sources

_KILLS = flags.DEFINE_integer('kills', 200, 'How many.', lower_bound=1)
_SEED = flags.DEFINE_integer('seed', 0, 'Of the moments.')
_MINUTES = flags.DEFINE_float(
    'minutes', 120.0, 'After so many there are no more kills.'
)
_KILLS_OF_A_ROUND = flags.DEFINE_integer(
    'kills_of_a_round', 10, 'After so many a command may end.', lower_bound=1
)
_TINY = (
    '--model=linear', '--pruning_iterations=5', '--num_clients=4',
    '--clients_per_round=2', '--max_examples_per_client=30', '--batch_size=10',
)
_LONG = ('--num_rounds=40', '--rounds_per_checkpoint=1',
         '--rounds_per_personal_evaluation=5')
# What differs between two runs of the same bits: when, how fast, and where.
_VOLATILE = ('seconds', 'total_seconds', 'latency_ratio')


@attrs.frozen
class Trial:
  """A command that is killed.

  Attributes:
    name: The command's.
    arguments: Its flags, but for the folder that it writes.
  """

  name: str
  arguments: Sequence[str]

  def start(self, output_dir: str) -> subprocess.Popen:
    """Starts the command in a process group of its own, with a log."""
    with open(f'{output_dir}.log', 'wb') as log:
      return subprocess.Popen(
          [sys.executable, '-m', f'binaries.{self.name}', *self.arguments,
           f'--output_dir={output_dir}'],
          cwd=sources.ROOT,
          stdout=log,
          stderr=log,
          env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
          start_new_session=True,
      )

  def finish(self, output_dir: str) -> float:
    """Lets the command end; returns its seconds."""
    start = time.monotonic()
    _check(self.start(output_dir).wait(), output_dir)
    return time.monotonic() - start


def _check(exit_status: int, output_dir: str) -> None:
  if exit_status:
    raise RuntimeError(f'A command ended with {exit_status}: see '
                       f'{output_dir}.log.')


def _kill(program: subprocess.Popen, seconds: float, output_dir: str) -> bool:
  """Kills a program and its group after a time, unless it has ended."""
  try:
    program.wait(seconds)
  except subprocess.TimeoutExpired:
    pass
  has_ended = program.returncode is not None
  try:
    os.killpg(program.pid, signal.SIGKILL)
  except ProcessLookupError:
    pass
  exit_status = program.wait()
  if has_ended:
    _check(exit_status, output_dir)
  return not has_ended


def find_half_files(folder: str) -> List[str]:
  """Returns what is left of writes that never ended."""
  found = []
  for parent, folders, names in os.walk(folder):
    found += [
        os.path.join(parent, name) for name in folders + names
        if name.startswith(files.UNFINISHED) or '_temp' in name or
        name.startswith('damaged_')]
  return found


def read_bits(folder: str) -> Dict[str, Any]:
  """Returns what must be equal in two folders of the same command.

  Args:
    folder: A folder of runs, of exports, or of a comparison.

  Returns:
    By the files' paths: rows and reports without what differs, weights, and
    digests of exported files.
  """
  bits = {}
  for path in sorted(pathlib.Path(folder).rglob('*')):
    name = str(path.relative_to(folder))
    if path.name == 'metrics.jsonl':
      bits[name] = [_without_volatile(row) for row in
                    metrics.read_rows(str(path.parent))]
    elif path.name in ('personal_accuracies.json', 'data.json'):
      bits[name] = json.loads(path.read_text(encoding='utf-8'))
    elif path.name == 'final_model.keras':
      model = keras_files.load_keras_model(str(path))
      bits[name] = [weight.tolist() for weight in model.get_weights()]
    elif path.suffix in ('.tflite', '.ticket', '.npz'):
      bits[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    elif path.suffix in ('.keras', '.html', '.md', '.csv', '.flags'):
      bits[name] = path.stat().st_size > 0
  return bits


def _without_volatile(row):
  return {key: row[key] for key in row if key not in _VOLATILE}


def _make_trials(run_dir: str) -> List[Trial]:
  return [
      Trial('train', (*_TINY, *_LONG, '--votes=moves', '--resume')),
      Trial('compare', (
          *_TINY, '--num_rounds=4', '--rounds_per_checkpoint=1',
          '--algorithms=hidenseek,fed_avg', '--target_accuracy=0.1')),
      Trial('export', (f'--run_dir={run_dir}',)),
  ]


class _Disturbed:
  """A command that is killed until it may end, round after round."""

  def __init__(self, trial: Trial, folder: str):
    self.trial = trial
    self._output_dir = os.path.join(folder, f'{trial.name}_killed')
    whole = os.path.join(folder, trial.name)
    self._seconds = trial.finish(whole)
    self._bits = read_bits(whole)
    self._kills_left = _KILLS_OF_A_ROUND.value
    if find_half_files(whole) or not self._bits:
      raise RuntimeError(f'{trial.name} left {find_half_files(whole)}.')

  def disturb(self, rng: random.Random) -> bool:
    """Starts the command and kills it; returns whether it was killed."""
    # Going on takes less than starting anew, so that some run to the end.
    start = time.monotonic()
    killed = _kill(
        self.trial.start(self._output_dir),
        rng.uniform(0.05, 1) * self._seconds,
        self._output_dir,
    )
    self._kills_left -= killed
    if not killed:
      self._seconds = min(self._seconds, time.monotonic() - start)
      self._check()
    elif not self._kills_left:
      self.finish()
    return killed

  def finish(self) -> None:
    """Lets the command end, and compares its bits."""
    self.trial.finish(self._output_dir)
    self._check()

  def _check(self) -> None:
    half = find_half_files(self._output_dir)
    bits = read_bits(self._output_dir)
    differing = [name for name in {**bits, **self._bits}
                 if bits.get(name) != self._bits.get(name)]
    if half or differing:
      raise RuntimeError(
          f'{self.trial.name} left the half files {half} and other bits in '
          f'{differing}: see {self._output_dir}')
    self._kills_left = _KILLS_OF_A_ROUND.value
    shutil.rmtree(self._output_dir)


def _describe(counts: Dict[str, int]) -> str:
  each = ', '.join(f'{count} of {name}' for name, count in counts.items())
  return f'{sum(counts.values())} kills, {each}'


def main(argv):
  del argv
  rng = random.Random(_SEED.value)
  folder = tempfile.mkdtemp(prefix='kill_trial_')
  run_dir = os.path.join(folder, 'run')
  Trial('train', (*_TINY, '--num_rounds=2')).finish(run_dir)
  disturbed = [_Disturbed(trial, folder) for trial in _make_trials(run_dir)]
  counts = dict.fromkeys((each.trial.name for each in disturbed), 0)
  deadline = time.monotonic() + 60 * _MINUTES.value
  while sum(counts.values()) < _KILLS.value and time.monotonic() < deadline:
    each = rng.choice(disturbed)
    if each.disturb(rng):
      counts[each.trial.name] += 1
      if sum(counts.values()) % 10 == 0:
        print(_describe(counts), flush=True)
  for each in disturbed:
    each.finish()
  print(f'{_describe(counts)}: the same bits, and no half file.')
  shutil.rmtree(folder)


if __name__ == '__main__':
  app.run(main)
