"""The tables of a comparison, as text in cells, for any kind of page."""

from typing import Callable, List, Optional, Sequence, Union

import attrs

from tff_hidenseek.comparisons import summary as summary_lib

_NONE = '-'


@attrs.frozen
class Cell:
  """One cell.

  Attributes:
    text: What it says.
    is_best: Whether no other of its column is better.
  """

  text: str
  is_best: bool = False


def _to_cells(
    rows: Sequence[Sequence[Union[Cell, str]]],
) -> Sequence[Sequence[Cell]]:
  return [[Cell(c) if isinstance(c, str) else c for c in row] for row in rows]


@attrs.frozen
class Table:
  """One table.

  Attributes:
    title: Its heading.
    columns: The columns' names; the first is that of the rows' names.
    rows: The cells, row by row; text alone is a cell that is not the best.
  """

  title: str
  columns: Sequence[str]
  rows: Sequence[Sequence[Cell]] = attrs.field(converter=_to_cells)


@attrs.frozen
class _Column:
  """A column of numbers: how they are named, compared and written."""

  value: str
  title: str
  best_fn: Optional[Callable[..., float]]
  number: str
  shows_count: bool = False


_ACCURACY_COLUMNS = (
    _Column('rounds', 'rounds', None, '.4g'),
    _Column('global_accuracy', 'global', max, '.4f'),
    _Column('personal_accuracy', 'personal, mean', max, '.4f'),
    # Not compared: models that are all bad hardly differ.
    _Column(
        'personal_accuracy_std_of_clients', 'std over clients', None, '.4f'
    ),
    _Column('personal_accuracy_worst_decile', 'worst tenth', max, '.4f'),
    _Column('unseen_personal_accuracy', 'unseen clients, mean', max, '.4f'),
)
_COST_COLUMNS = (
    _Column('megabytes_up', 'MB up', min, '.4g'),
    _Column('megabytes_down', 'MB down', min, '.4g'),
    _Column('megabytes', 'MB in all', min, '.4g'),
    _Column('kilobytes_up_of_client', 'kB up, client and round', min, '.4g'),
    _Column('bits_per_weight_up', 'bits a weight up', min, '.4g'),
    _Column('bits_per_weight_down', 'bits a weight down', min, '.4g'),
    _Column('model_kilobytes', 'kB on disk', min, '.4g'),
    _Column('seconds_per_round', 'seconds a round', min, '.3g'),
)


def _target_columns(kind: str) -> Sequence[_Column]:
  return (
      _Column(f'rounds_to_{kind}target', 'rounds', min, '.4g', True),
      _Column(f'megabytes_to_{kind}target', 'MB up and down', min, '.4g'),
      _Column(f'seconds_to_{kind}target', 'seconds', min, '.4g'),
  )


def build_tables(
    summaries: Sequence[summary_lib.Summary],
    targets: summary_lib.Targets,
) -> List[Table]:
  """Returns the tables of runs on one data set and partition.

  Args:
    summaries: Their numbers.
    targets: The accuracies whose cost is shown.
  """
  tables = [
      _build('Accuracy', summaries, _ACCURACY_COLUMNS),
      _build('Communication and size', summaries, _COST_COLUMNS),
  ]
  for kind, what, target in (
      ('', 'global', targets.global_accuracy),
      ('personal_', 'personal', targets.personal_accuracy),
  ):
    if target is not None:
      title = f'Cost to a {what} accuracy of {target:g}'
      tables.append(_build(title, summaries, _target_columns(kind)))
  return tables


def _build(title, summaries, columns) -> Table:
  """Builds a table without the columns in which nothing was measured."""
  measured = [
      column
      for column in columns
      if column.shows_count
      or any(s.values[column.value] is not None for s in summaries)
  ]
  cells = [[s.label for s in summaries]]
  names = ['algorithm']
  if columns is _ACCURACY_COLUMNS:
    names.append('seeds')
    cells.append([str(len(s.results)) for s in summaries])
  for column in measured:
    if column.shows_count:
      names.append('reached in')
      cells.append([_count_reached(s, column.value) for s in summaries])
    names.append(column.title)
    cells.append(_format_column(summaries, column))
  return Table(title, names, list(zip(*cells)))


def count_seeds(count: int, num_seeds: int) -> str:
  """Says how many seeds reached something."""
  return f'{count} of {num_seeds} {"seed" if num_seeds == 1 else "seeds"}'


def _count_reached(summary, name: str) -> str:
  value = summary.values[name]
  return count_seeds(value.count if value else 0, len(summary.results))


def _format_column(summaries, column: _Column) -> List[Cell]:
  """Writes a column; where the best of several share a mean, all are best."""
  values = [summary.values[column.value] for summary in summaries]
  means = [
      # What some seeds did not reach is not the best, however cheap in others.
      float(format(value.mean, column.number))
      if value is not None and value.count == len(summary.results)
      else None
      for summary, value in zip(summaries, values)
  ]
  numbers = {mean for mean in means if mean is not None}
  best = None
  if column.best_fn is not None and len(numbers) > 1:
    best = column.best_fn(numbers)
  return [
      Cell(
          format_statistic(value, column.number),
          mean is not None and mean == best,
      )
      for value, mean in zip(values, means)
  ]


def format_statistic(
    value: Optional[summary_lib.Statistic], number: str
) -> str:
  """Writes a mean and its deviation; that of a cost is left out where 0."""
  if value is None:
    return _NONE
  mean = format(value.mean, number)
  is_fixed = number.endswith('f')
  if value.std is None or not (value.std or is_fixed):
    return mean
  deviation = number if is_fixed else '.2g'
  return f'{mean} ± {value.std:{deviation}}'
