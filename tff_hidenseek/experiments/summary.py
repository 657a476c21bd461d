"""The short table at the end of a run."""

import textwrap
from typing import Any, Mapping, Sequence


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


def _format_bits(value: float) -> str:
  return f'{value:.4g} bit'


def format_summary(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
  """Formats one column a run.

  Args:
    runs: For each run's name its rows of metrics, at least one.

  Returns:
    A table of at most 80 columns for up to three runs.
  """
  table = [('', list(runs))]

  def add(label, name, format_fn):
    table.append(
        (label, [format_fn(_last(rows, name)) for rows in runs.values()])
    )

  add('rounds', 'round_num', str)
  add('global accuracy', 'global_accuracy', _format_accuracy)
  add('personal accuracy, mean', 'personal_accuracy_mean', _format_accuracy)
  add(
      'personal accuracy, worst tenth',
      'personal_accuracy_worst_decile',
      _format_accuracy,
  )
  if any(
      _last(rows, 'unseen_personal_accuracy_mean') is not None
      for rows in runs.values()
  ):
    add(
        '  of unseen clients', 'unseen_personal_accuracy_mean', _format_accuracy
    )
  add('sent up by all clients', 'total_bytes_up', _format_bytes)
  add('sent down to all clients', 'total_bytes_down', _format_bytes)
  add('up, a weight of the model', 'bits_per_weight_up', _format_bits)
  add('down, a weight of the model', 'bits_per_weight_down', _format_bits)
  table.append((
      'seconds a round, median',
      [f'{_median_seconds(rows):.3g}' for rows in runs.values()],
  ))
  label_width = max(len(label) for label, _ in table)
  widths = [
      max(map(len, column)) for column in zip(*(cells for _, cells in table))
  ]
  lines = [
      f'{label:<{label_width}}'
      + ''.join(f'  {cell:>{width}}' for cell, width in zip(cells, widths))
      for label, cells in table
  ]
  lines.insert(1, '-' * len(lines[0]))
  if len(runs) == 2:
    (name, rows), (reference, reference_rows) = runs.items()
    ratio = _last(reference_rows, 'total_bytes_up') / _last(
        rows, 'total_bytes_up'
    )
    comparison = 'less' if ratio >= 1 else 'more'
    points = 100 * (
        _last(rows, 'global_accuracy')
        - _last(reference_rows, 'global_accuracy')
    )
    lines += textwrap.wrap(
        f'At {points:+.1f} points of global accuracy, {name} uploaded '
        f'{max(ratio, 1 / ratio):.0f} times {comparison} than {reference}.',
        width=78,
    )
  return '\n'.join(lines)


def _median_seconds(rows: Sequence[Mapping[str, Any]]) -> float:
  seconds = sorted(row['seconds'] for row in rows)
  return seconds[len(seconds) // 2]
