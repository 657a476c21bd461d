"""One algorithm against each of the others, seed by seed.

For the same seed two runs have the same examples at the same clients and draw
the same clients each round, so the differences of pairs vary less over seeds
than the accuracies themselves.
"""

from typing import List, Sequence

import attrs

from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import tables as tables_lib

_NONE = '-'


@attrs.frozen
class _Pair:
  """Two runs of one seed: the reference's and the other's."""

  own: results_lib.Result
  other: results_lib.Result


def build_pair_tables(
    summaries: Sequence[summary_lib.Summary], reference: str
) -> List[tables_lib.Table]:
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


def _build_gains(reference, paired) -> tables_lib.Table:
  rows = []
  for label, pairs in paired.items():
    rows.append([
        label,
        str(len(pairs)),
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
  return tables_lib.Table(f'Gains of {reference}', columns, rows)


def _points(differences) -> str:
  """Writes differences of accuracies in hundredths, over seeds."""
  value = summary_lib.over_seeds([100 * d for d in differences])
  if value is None:
    return _NONE
  deviation = '' if value.std is None else f' ± {value.std:.1f}'
  return f'{value.mean:+.1f}{deviation}'


def _sums(pairs, name):
  """Returns the sums over pairs of what both ended with."""
  return (
      sum(pair.own.rows[-1][name] for pair in pairs),
      sum(pair.other.rows[-1][name] for pair in pairs),
  )


def _relative_gain(pairs, name) -> str:
  return _percent(*_sums(pairs, name)) if _differences(pairs, name) else _NONE


def _times_less(pairs, name) -> str:
  own, other = _sums(pairs, name)
  return f'{other / own:.4g}' if own else _NONE


def _percent(own: float, other: float) -> str:
  return f'{100 * (own / other - 1):+.1f} %' if other else _NONE


def _build_costs(reference, paired, name, what) -> tables_lib.Table:
  rows = []
  for label, pairs in paired.items():
    costs = [_costs(pair, name) for pair in pairs]
    reached = [(own, other) for own, other in costs if own['rounds']]
    row = [label, tables_lib.count_seeds(len(reached), len(pairs))]
    for unit in ('megabytes', 'seconds'):
      own, other = (
          summary_lib.over_seeds([cost[unit] for cost in spent])
          for spent in (list(zip(*reached)) or ([], []))
      )
      row += [
          tables_lib.format_statistic(own, '.4g'),
          tables_lib.format_statistic(other, '.4g'),
          _percent(own.mean, other.mean) if reached else _NONE,
      ]
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
  return tables_lib.Table(title, columns, rows)


def _costs(pair: _Pair, name: str):
  """Returns what both had spent when they first reached the other's end."""
  target = pair.other.rows[-1][name]
  return [
      summary_lib.cost_to_target(run.rows, name, target)
      for run in (pair.own, pair.other)
  ]
