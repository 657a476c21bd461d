"""The numbers of a comparison: each label's mean and deviation over seeds."""

import statistics
from typing import Any, Dict, List, Mapping, Optional, Sequence

import attrs

from tff_hidenseek.comparisons import results as results_lib


@attrs.frozen
class Statistic:
  """A number over seeds.

  Attributes:
    mean: Their mean.
    std: Their sample standard deviation; `None` for one seed.
    count: How many seeds have the number.
  """

  mean: float
  std: Optional[float]
  count: int


@attrs.frozen(kw_only=True)
class Targets:
  """Accuracies whose cost is measured; `None` is no target.

  Attributes:
    global_accuracy: Of the global model.
    personal_accuracy: The mean over the clients' own models.
  """

  global_accuracy: Optional[float] = None
  personal_accuracy: Optional[float] = None


@attrs.frozen(kw_only=True)
class Summary:
  """One row of the tables.

  Attributes:
    label: What is compared.
    results: Its runs, one a seed.
    values: Its numbers by their names; `None` where there is none.
  """

  label: str
  results: Sequence[results_lib.Result]
  values: Mapping[str, Optional[Statistic]]


def over_seeds(values: Sequence[Optional[float]]) -> Optional[Statistic]:
  """Returns mean and deviation of what was measured, `None` if nothing was."""
  measured = [float(value) for value in values if value is not None]
  if not measured:
    return None
  std = statistics.stdev(measured) if len(measured) > 1 else None
  return Statistic(statistics.fmean(measured), std, len(measured))


def cost_to_target(
    rows: Sequence[Mapping[str, Any]], name: str, target: Optional[float]
) -> Dict[str, Optional[float]]:
  """Returns what a run had spent when an evaluation first reached a target.

  Args:
    rows: The run's metrics.
    name: The metric that is to reach it.
    target: The least value; `None` is no target.

  Returns:
    `rounds`, `megabytes` (up and down, all clients) and `seconds` (of training,
    without evaluations), each `None` where the target was never reached.
  """
  seconds = 0.0
  for row in rows:
    seconds += row['seconds']
    reached = row[name] is not None and target is not None
    if reached and row[name] >= target:
      return dict(
          rounds=row['round_num'],
          megabytes=(row['total_bytes_up'] + row['total_bytes_down']) / 1e6,
          seconds=seconds,
      )
  return dict(rounds=None, megabytes=None, seconds=None)


def measure(
    result: results_lib.Result, targets: Targets
) -> Dict[str, Optional[float]]:
  """Returns the numbers of one run by their names."""
  rows = result.rows
  last = rows[-1]
  # Rows of versions before 0.12 have no such column.
  num_uploads = sum(
      row.get('clients_counted', result.config.clients_per_round)
      for row in rows
  )
  values = dict(
      rounds=last['round_num'],
      global_accuracy=last['global_accuracy'],
      personal_accuracy=last['personal_accuracy_mean'],
      personal_accuracy_std_of_clients=last['personal_accuracy_std'],
      personal_accuracy_worst_decile=last['personal_accuracy_worst_decile'],
      unseen_personal_accuracy=last['unseen_personal_accuracy_mean'],
      megabytes_up=last['total_bytes_up'] / 1e6,
      megabytes_down=last['total_bytes_down'] / 1e6,
      megabytes=(last['total_bytes_up'] + last['total_bytes_down']) / 1e6,
      kilobytes_up_of_client=last['total_bytes_up']
      / 1e3
      / max(1, num_uploads),
      bits_per_weight_up=_mean(rows, 'bits_per_weight_up'),
      bits_per_weight_down=_mean(rows, 'bits_per_weight_down'),
      seconds_per_round=statistics.median(row['seconds'] for row in rows),
      model_kilobytes=result.shipped and result.shipped.num_bytes / 1e3,
  )
  for kind, name, target in (
      ('', 'global_accuracy', targets.global_accuracy),
      ('personal_', 'personal_accuracy_mean', targets.personal_accuracy),
  ):
    for unit, cost in cost_to_target(rows, name, target).items():
      values[f'{unit}_to_{kind}target'] = cost
  return values


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> Optional[float]:
  """Returns a metric's mean over the rounds in which it was taken, if any."""
  taken = [row[name] for row in rows if row[name] is not None]
  return statistics.fmean(taken) if taken else None


def summarize(
    results: Sequence[results_lib.Result], targets: Targets
) -> List[Summary]:
  """Returns a summary for each label, in the order in which they appear.

  Args:
    results: Runs of one table.
    targets: Accuracies whose cost is measured.
  """
  summaries = []
  for label in dict.fromkeys(result.label for result in results):
    own = [result for result in results if result.label == label]
    measured = [measure(result, targets) for result in own]
    summaries.append(
        Summary(
            label=label,
            results=own,
            values={
                name: over_seeds([values[name] for values in measured])
                for name in measured[0]
            },
        )
    )
  return summaries


def to_json_row(summary: Summary) -> Dict[str, Any]:
  """Returns the row of a summary in `report.json`."""
  config = summary.results[0].config
  means = {name: v and v.mean for name, v in summary.values.items()}
  stds = {name: v and v.std for name, v in summary.values.items()}
  same_names = (
      'megabytes_up',
      'megabytes_down',
      'bits_per_weight_up',
      'megabytes_to_target',
      'seconds_to_target',
  )
  return dict(
      algorithm=summary.label,
      dataset=config.dataset,
      partition=config.partition,
      seeds=len(summary.results),
      rounds=_whole(means['rounds']),
      global_accuracy_mean=means['global_accuracy'],
      global_accuracy_std=stds['global_accuracy'],
      personal_accuracy_mean=means['personal_accuracy'],
      personal_accuracy_std=stds['personal_accuracy'],
      personal_accuracy_worst_decile=means['personal_accuracy_worst_decile'],
      unseen_personal_accuracy_mean=means['unseen_personal_accuracy'],
      **{name: means[name] for name in same_names},
  )


def _whole(value: float) -> float:
  """Returns the same number, as an int if it is one."""
  return int(value) if value == int(value) else value


def best_of(
    summaries: Sequence[Summary], name: str
) -> Optional[Summary]:
  """Returns the summary whose mean of an accuracy is the highest, if any."""
  measured = [s for s in summaries if s.values[name] is not None]
  return max(measured, key=lambda s: s.values[name].mean, default=None)
