"""One algorithm against each of the others, seed by seed.

For the same seed two runs have the same examples at the same clients and draw
the same clients each round, so the differences of pairs vary less over seeds
than the accuracies themselves.
"""

from typing import List, Sequence

import attrs

from tff_hidenseek.experiments import comparison_results
from tff_hidenseek.experiments import comparison_summary
from tff_hidenseek.experiments import comparison_tables

_NONE = comparison_tables.Cell('-')


@attrs.frozen
class _Pair:
  """Two runs of one seed: the reference's and the other's."""

  own: comparison_results.Result
  other: comparison_results.Result


def build_pair_tables(
    summaries: Sequence[comparison_summary.Summary], reference: str
) -> List[comparison_tables.Table]:
  """Returns what the reference gains on each of the others, and at what cost.

  The cost is what both had spent at the first evaluation that reached the
  accuracy that the other ended with.

  Args:
    summaries: Runs on one data set and partition.
    reference: The label of the one that is compared with each other.

  Returns:
    The tables; none where the reference is not there, or alone.
  """
  of_seed = {
      summary.label: {result.config.seed: result for result in summary.results}
      for summary in summaries
  }
  own = of_seed.pop(reference, {})
  paired = {
      label: [_Pair(own[seed], others[seed]) for seed in own if seed in others]
      for label, others in of_seed.items()
  }
  paired = {label: pairs for label, pairs in paired.items() if pairs}
  if not paired:
    return []
  tables = [_build_gains(reference, paired)]
  for name, what in (
      ('global_accuracy', 'global'),
      ('personal_accuracy_mean', 'personal'),
  ):
    if any(_differences(pairs, name) for pairs in paired.values()):
      tables.append(_build_costs(reference, paired, name, what))
  return tables


def _differences(pairs, name) -> List[float]:
  finals = [(p.own.rows[-1][name], p.other.rows[-1][name]) for p in pairs]
  return [a - b for a, b in finals if a is not None and b is not None]


def _build_gains(reference, paired) -> comparison_tables.Table:
  rows = []
  for label, pairs in paired.items():
    rows.append([
        comparison_tables.Cell(label),
        comparison_tables.Cell(str(len(pairs))),
        _points(_differences(pairs, 'global_accuracy')),
        _points(_differences(pairs, 'personal_accuracy_mean')),
        _relative_gain(pairs, 'personal_accuracy_mean'),
        _times_less(pairs, 'total_bytes_up'),
        _times_less(pairs, 'total_bytes_down'),
    ])
  columns = [
      'against',
      'seeds',
      'global, points',
      'personal, points',
      'personal, relative',
      'times less up',
      'times less down',
  ]
  return comparison_tables.Table(f'Gains of {reference}', columns, rows)


def _points(differences) -> comparison_tables.Cell:
  """Writes differences of accuracies in hundredths, over seeds."""
  value = comparison_summary.over_seeds([100 * d for d in differences])
  if value is None:
    return _NONE
  deviation = '' if value.std is None else f' ± {value.std:.1f}'
  return comparison_tables.Cell(f'{value.mean:+.1f}{deviation}')


def _sums(pairs, name):
  """Returns the sums over pairs of what both ended with."""
  return (
      sum(pair.own.rows[-1][name] for pair in pairs),
      sum(pair.other.rows[-1][name] for pair in pairs),
  )


def _relative_gain(pairs, name) -> comparison_tables.Cell:
  return _percent(*_sums(pairs, name)) if _differences(pairs, name) else _NONE


def _times_less(pairs, name) -> comparison_tables.Cell:
  own, other = _sums(pairs, name)
  return comparison_tables.Cell(f'{other / own:.4g}') if own else _NONE


def _percent(own: float, other: float) -> comparison_tables.Cell:
  if not other:
    return _NONE
  return comparison_tables.Cell(f'{100 * (own / other - 1):+.1f} %')


def _build_costs(reference, paired, name, what) -> comparison_tables.Table:
  rows = []
  for label, pairs in paired.items():
    costs = [_costs(pair, name) for pair in pairs]
    reached = [(own, other) for own, other in costs if own['rounds']]
    row = [
        comparison_tables.Cell(label),
        comparison_tables.count_cell(len(reached), len(pairs)),
    ]
    for unit in ('megabytes', 'seconds'):
      own, other = (
          comparison_summary.over_seeds([cost[unit] for cost in spent])
          for spent in (list(zip(*reached)) or ([], []))
      )
      row += [
          comparison_tables.Cell(
              comparison_tables.format_statistic(value, '.4g')
          )
          for value in (own, other)
      ]
      row.append(_percent(own.mean, other.mean) if reached else _NONE)
    rows.append(row)
  columns = [
      'against',
      'reached in',
      'MB up and down',
      'MB of the other',
      'MB, relative',
      'seconds',
      'seconds of the other',
      'seconds, relative',
  ]
  title = f'Cost of {reference} to the {what} accuracy of each other'
  return comparison_tables.Table(title, columns, rows)


def _costs(pair: _Pair, name: str):
  """Returns what both had spent when they first reached the other's end."""
  target = pair.other.rows[-1][name]
  return [
      comparison_summary.cost_to_target(run.rows, name, target)
      for run in (pair.own, pair.other)
  ]
