"""The rows of a run: `metrics.jsonl`, `metrics.csv` and TensorBoard events."""

import asyncio
import csv
import io
import json
import os
from typing import Any, Dict, List, Mapping, Sequence

import tensorflow_federated as tff

from tff_hidenseek.experiments import json_files
from tff_hidenseek import files

# What every run measures, in this order. The algorithm's own measurements
# follow them.
METRIC_NAMES = (
    'round_num',
    'train_loss',
    'global_accuracy',
    'personal_accuracy_mean',
    'personal_accuracy_std',
    'personal_accuracy_worst_decile',
    'unseen_personal_accuracy_mean',
    'bytes_up',
    'bytes_down',
    'total_bytes_up',
    'total_bytes_down',
    'bits_per_weight_up',
    'bits_per_weight_down',
    'sign_flips',
    'seconds',
    'clients_drawn',
    'clients_dropped',
    'clients_late',
    'clients_counted',
    'simulated_duration',
    'epsilon',
)


def read_rows(run_dir: str) -> List[Dict[str, Any]]:
  """Returns the rows of `metrics.jsonl`; a torn last line is left out.

  Raises:
    ValueError: If another line is not one that a run wrote.
  """
  rows = []
  path = os.path.join(run_dir, 'metrics.jsonl')
  if os.path.exists(path):
    with open(path, 'rb') as lines:
      for line in lines:
        if line.endswith(b'\n'):
          rows.append(json_files.parse(line, path, {'round_num': int}))
  return rows


def count_rounds(run_dir: str) -> int:
  """Returns how many rows `metrics.jsonl` has."""
  path = os.path.join(run_dir, 'metrics.jsonl')
  if not os.path.exists(path):
    return 0
  with open(path, 'rb') as lines:
    return lines.read().count(b'\n')


class MetricsWriter:
  """Writes one row a round, each to disk before the next round begins."""

  def __init__(
      self,
      run_dir: str,
      num_rounds_done: int,
      measurements: Sequence[str] = (),
  ):
    """Initializes the writer.

    Args:
      run_dir: The run's folder.
      num_rounds_done: Rows of later rounds are dropped: they will come again.
      measurements: Names of the algorithm's own metrics.
    """
    self._run_dir = run_dir
    self._names = tuple(dict.fromkeys((*METRIC_NAMES, *measurements)))
    self.rows = [
        row for row in read_rows(run_dir) if row['round_num'] <= num_rounds_done
    ]
    path = os.path.join(run_dir, 'metrics.jsonl')
    lines = ''.join(_to_line(row) for row in self.rows)
    files.write_atomically(path, lines.encode())
    self._lines = open(path, 'a', encoding='utf-8')
    self._tensorboard = tff.program.TensorBoardReleaseManager(
        os.path.join(run_dir, 'tensorboard')
    )

  def write(self, row: Mapping[str, Any]) -> None:
    """Appends a row; a metric that is missing was not taken, and is null.

    Args:
      row: Values by the names of metrics.

    Raises:
      ValueError: On another name, or a value that is not finite.
    """
    unknown = set(row) - set(self._names)
    if unknown:
      raise ValueError(
          f'`row` must have keys of {self._names}, found {sorted(unknown)}.'
      )
    full = {name: row.get(name) for name in self._names}
    line = _to_line(full)
    self.rows.append(full)
    self._lines.write(line)
    self._lines.flush()
    evaluated = {k: v for k, v in full.items() if v is not None}
    key = evaluated.pop('round_num')
    asyncio.run(self._tensorboard.release(evaluated, key))

  def close(self) -> None:
    """Closes the files and writes `metrics.csv` from all rows."""
    self._lines.close()
    table = io.StringIO(newline='')
    writer = csv.DictWriter(table, self._names)
    writer.writeheader()
    writer.writerows(self.rows)
    files.write_atomically(
        os.path.join(self._run_dir, 'metrics.csv'), table.getvalue().encode()
    )


def _to_line(row: Mapping[str, Any]) -> str:
  """Returns a row as a line of strict JSON, which has no NaN."""
  return json.dumps(row, allow_nan=False) + '\n'
