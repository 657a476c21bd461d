"""The short table at the end of a run."""

import statistics
import textwrap
from typing import Any, List, Mapping, Sequence

from tff_hidenseek.experiments import text_tables


def _last(rows: Sequence[Mapping[str, Any]], name: str):
  """Returns the newest value of a metric, or `None` if it was never taken."""
  return next(
      (row[name] for row in reversed(rows) if row[name] is not None), None
  )


def _format_bytes(count: float) -> str:
  """Formats a number of bytes with decimal units."""
  for unit in ('B', 'kB', 'MB', 'GB'):
    if count < 1000 or unit == 'GB':
      break
    count /= 1000
  return f'{count:.0f} {unit}' if unit == 'B' else f'{count:.4g} {unit}'


def _format_accuracy(value) -> str:
  return '-' if value is None else f'{value:.4f}'


def _format_bits(value) -> str:
  return '-' if value is None else f'{value:.4g} bit'


_UNSEEN = 'unseen_personal_accuracy_mean'
# A label, the metric's name, and how its last value is written.
_LINES = (
    ('rounds', 'round_num', str),
    ('global accuracy', 'global_accuracy', _format_accuracy),
    ('personal accuracy, mean', 'personal_accuracy_mean', _format_accuracy),
    (
        'personal accuracy, worst tenth',
        'personal_accuracy_worst_decile',
        _format_accuracy,
    ),
    ('personal accuracy, unseen', _UNSEEN, _format_accuracy),
    ('sent up by all clients', 'total_bytes_up', _format_bytes),
    ('sent down to all clients', 'total_bytes_down', _format_bytes),
    ('up, a weight of the model', 'bits_per_weight_up', _format_bits),
    ('down, a weight of the model', 'bits_per_weight_down', _format_bits),
)


def format_summary(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
  """Formats one column a run.

  Args:
    runs: For each run's name its rows of metrics, at least one.

  Returns:
    A table of at most 80 columns for up to three runs.
  """
  table = []
  for label, name, format_fn in _LINES:
    values = [_last(rows, name) for rows in runs.values()]
    if name == _UNSEEN and all(value is None for value in values):
      continue
    table.append([label, *map(format_fn, values)])
  medians = [
      statistics.median_high(row['seconds'] for row in rows)
      for rows in runs.values()
  ]
  table.append(['seconds a round, median', *(f'{s:.3g}' for s in medians)])
  text = text_tables.format_table(['', *runs], table)
  return '\n'.join([text, *_compare(runs)])


def _compare(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> List[str]:
  """Says in lines what the first of two runs cost and gained."""
  accuracies = [_last(rows, 'global_accuracy') for rows in runs.values()]
  if len(runs) != 2 or None in accuracies:
    return []
  name, reference = runs
  own, other = (_last(rows, 'total_bytes_up') for rows in runs.values())
  ratio = other / own
  return textwrap.wrap(
      f'At {100 * (accuracies[0] - accuracies[1]):+.1f} points of global '
      f'accuracy, {name} uploaded {max(ratio, 1 / ratio):.0f} times '
      f'{"less" if ratio >= 1 else "more"} than {reference}.',
      width=78,
  )
