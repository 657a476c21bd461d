"""The rows of a run: `metrics.jsonl`, `metrics.csv` and TensorBoard events."""

import asyncio
import csv
import json
import os
from typing import Any, Dict, List, Mapping

import tensorflow_federated as tff

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
)


def read_rows(run_dir: str) -> List[Dict[str, Any]]:
  """Returns the rows of `metrics.jsonl`; a torn last line is left out."""
  rows = []
  path = os.path.join(run_dir, 'metrics.jsonl')
  if os.path.exists(path):
    with open(path, encoding='utf-8') as lines:
      for line in lines:
        if line.endswith('\n'):
          rows.append(json.loads(line))
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

  def __init__(self, run_dir: str, num_rounds_done: int):
    """Initializes the writer.

    Args:
      run_dir: The run's folder.
      num_rounds_done: Rows of later rounds are dropped: they will come again.
    """
    self._run_dir = run_dir
    self.rows = [
        row for row in read_rows(run_dir) if row['round_num'] <= num_rounds_done
    ]
    path = os.path.join(run_dir, 'metrics.jsonl')
    with open(path + '.tmp', 'w', encoding='utf-8') as lines:
      for row in self.rows:
        lines.write(json.dumps(row) + '\n')
    os.replace(path + '.tmp', path)
    self._lines = open(path, 'a', encoding='utf-8')
    self._tensorboard = tff.program.TensorBoardReleaseManager(
        os.path.join(run_dir, 'tensorboard')
    )

  def write(self, row: Mapping[str, Any]) -> None:
    """Appends a row; a metric that is missing was not taken, and is null."""
    unknown = set(row) - set(METRIC_NAMES)
    if unknown:
      raise ValueError(
          f'`row` must have keys of {METRIC_NAMES}, found {sorted(unknown)}.'
      )
    full = {name: row.get(name) for name in METRIC_NAMES}
    self.rows.append(full)
    self._lines.write(json.dumps(full) + '\n')
    self._lines.flush()
    evaluated = {k: v for k, v in full.items() if v is not None}
    key = evaluated.pop('round_num')
    asyncio.run(self._tensorboard.release(evaluated, key))

  def close(self) -> None:
    """Closes the files and writes `metrics.csv` from all rows."""
    self._lines.close()
    path = os.path.join(self._run_dir, 'metrics.csv')
    with open(path + '.tmp', 'w', newline='', encoding='utf-8') as table:
      writer = csv.DictWriter(table, METRIC_NAMES)
      writer.writeheader()
      writer.writerows(self.rows)
    os.replace(path + '.tmp', path)
