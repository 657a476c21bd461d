"""Tells a training that has diverged: a number in it is no longer finite."""

import json
import os
from typing import Any, Dict, Mapping, Optional

import attrs
import numpy as np
import tree

from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.experiments import json_files
from tff_hidenseek import files

# Of a run that has diverged: `round_num`, an int, and `reason`, a sentence.
DIVERGENCE_FILE = 'diverged.json'


class DivergenceError(Exception):
  """A training has diverged; it says when, how and what to try."""


def check(
    run_dir: str, config: Any, row: Mapping[str, Any], server_state: Any
) -> None:
  """Stops a run whose loss or whose state is no longer finite.

  Args:
    run_dir: The run's folder, where the divergence is noted.
    config: The `ExperimentConfig`.
    row: The metrics of the newest round.
    server_state: The server's state after it.

  Raises:
    DivergenceError: If any number in them is infinite or not a number.
  """
  reason = _describe(row, server_state)
  if reason is None:
    return
  round_num = row['round_num']
  newest = checkpoints.newest_round(checkpoints.folder(run_dir))
  kept = (
      f'The checkpoint of round {newest} is kept'
      if newest
      else 'There is no checkpoint before it'
  )
  rates = ' or '.join(
      f'`{name}` (now {value:g})'
      for name, value in attrs.asdict(config.options).items()
      if name.endswith('learning_rate')
  )
  files.write_atomically(
      os.path.join(run_dir, DIVERGENCE_FILE),
      json.dumps(dict(round_num=round_num, reason=reason)).encode(),
  )
  raise DivergenceError(
      f'The training has diverged: in round {round_num}, of '
      f'{config.clients_per_round} clients, {reason}. {kept}. Try a smaller '
      f'{rates}.'
  )


def read(run_dir: str) -> Optional[Dict[str, Any]]:
  """Returns when and why the run in a folder diverged, if it did.

  Args:
    run_dir: The run's folder, which need not exist.

  Returns:
    `round_num`, an int, and `reason`, words; `None` if it has not diverged.
  """
  kinds = {'round_num': int, 'reason': str}
  content = json_files.read(os.path.join(run_dir, DIVERGENCE_FILE), kinds)
  return content and {name: content[name] for name in kinds}


def forget(run_dir: str) -> None:
  """Removes the note of a divergence: the run is tried again."""
  path = os.path.join(run_dir, DIVERGENCE_FILE)
  if os.path.exists(path):
    os.remove(path)


def _describe(row: Mapping[str, Any], server_state: Any) -> Optional[str]:
  for name, value in row.items():
    if not np.isfinite(value):
      return f'`{name}` is {value}'
  for leaf in tree.flatten(server_state):
    leaf = np.asarray(leaf)
    if leaf.dtype.kind == 'f' and not np.isfinite(leaf).all():
      count = np.count_nonzero(~np.isfinite(leaf))
      return f'{count} of {leaf.size} numbers of the model are not finite'
  return None
