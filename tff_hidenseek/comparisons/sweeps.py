"""The cells of a sweep: which is the best, and their tables."""

from typing import Dict, List, Sequence

from tff_hidenseek.comparisons import contenders
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import tables as tables_lib

_NONE = '-'


def group_by_name(
    summaries: Sequence[summary_lib.Summary],
) -> Dict[str, List[summary_lib.Summary]]:
  """Returns the summaries by their labels' first words."""
  groups = {}
  for summary in summaries:
    groups.setdefault(summary.label.split(' ')[0], []).append(summary)
  return groups


def best_cells(
    summaries: Sequence[summary_lib.Summary], metric: str
) -> Dict[str, summary_lib.Summary]:
  """Returns the best cell of every sweep, by the name of what was swept.

  Args:
    summaries: The numbers of runs on one data set and partition.
    metric: By which it is best.
  """
  best = {}
  for name, cells in group_by_name(summaries).items():
    cell = summary_lib.best_of(cells, metric)
    if len(cells) > 1 and cell is not None:
      best[name] = cell
  return best


def build_sweep_tables(
    summaries: Sequence[summary_lib.Summary], metric: str
) -> List[tables_lib.Table]:
  """Returns a table for every contender that was swept.

  Args:
    summaries: The numbers of runs on one data set and partition.
    metric: `global_accuracy` or `personal_accuracy`, by which a cell is best.
  """
  tables = []
  for name, cells in group_by_name(summaries).items():
    options = list(
        dict.fromkeys(o for s in cells for o in contenders.split_label(s.label))
    )
    if len(cells) < 2 or not options:
      continue
    best = summary_lib.best_of(cells, metric)
    title = f'Sweep of {name}: best {metric.replace("_", " ")}'
    build = _build_matrix if len(options) == 2 else _build_list
    tables.append(build(title, cells, options, metric, best))
  return tables


def _build_list(title, cells, options, metric, best) -> tables_lib.Table:
  accuracies = {'global_accuracy': 'global', 'personal_accuracy': 'personal'}
  rows = []
  for summary in cells:
    swept = contenders.split_label(summary.label)
    rows.append(
        [swept.get(option, _NONE) for option in options]
        + [
            tables_lib.Cell(
                tables_lib.format_statistic(summary.values[name], '.4f'),
                name == metric and summary is best,
            )
            for name in accuracies
        ]
    )
  return tables_lib.Table(title, [*options, *accuracies.values()], rows)


def _build_matrix(title, cells, options, metric, best) -> tables_lib.Table:
  """Builds a table with one option down and the other across."""
  at = {}
  for summary in cells:
    swept = contenders.split_label(summary.label)
    place = tuple(swept.get(option, _NONE) for option in options)
    at[place] = tables_lib.Cell(
        tables_lib.format_statistic(summary.values[metric], '.4f'),
        summary is best,
    )
  down, across = (list(dict.fromkeys(place[i] for place in at)) for i in (0, 1))
  rows = [
      [first, *(at.get((first, each), _NONE) for each in across)]
      for first in down
  ]
  columns = [f'{options[0]} \\ {options[1]}', *across]
  return tables_lib.Table(title, columns, rows)
