"""The report of a comparison: what its pages say, and `report.json`."""

import json
import os
from typing import Any, Dict, List, Mapping, Sequence

import attrs

from tff_hidenseek.comparisons import pairs
from tff_hidenseek.comparisons import plots
from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import tables as tables_lib
from tff_hidenseek import files

# A picture with more lines than this shows the best of each sweep alone.
_MAX_LINES = 8
_NOTES = (
    'A number is the mean over seeds, after ± the sample standard deviation; '
    'bold is the best mean of a column, whatever its deviation.',
    'For the same seed all rows of a table have the same examples at the same '
    'clients and draw the same clients each round.',
    'The worst tenth is the mean over the tenth of the seen clients whose own '
    'models are worst.',
    'A megabyte is 10^6 bytes; up and down are the sums over all clients and '
    'rounds, counted from the tensors that are sent. Bits a weight are of all '
    'weights of the model, a client and round, averaged over the rounds.',
    'Seconds are of training alone, without evaluations, and include the '
    'compilation in the first round; seconds a round are the median. They '
    'compare only where the runs had the machine to themselves.',
    'A target counts as reached by the first evaluation that reaches it; costs '
    'are means over the seeds that reached it, and are best only if all did.',
    'Against each of the others an algorithm is compared seed by seed: points '
    'are hundredths of accuracy, and the cost is what both had spent at the '
    'first evaluation that reached the accuracy the other ended with.',
    'On disk, HideNseek\'s model is a ticket (seed, mask and signs), any other '
    'a TensorFlow Lite file of float32 weights, of the first seed: what '
    '`binaries.export` can write of it.',
)


@attrs.frozen(kw_only=True)
class Section:
  """What is said about one data set and partition.

  Attributes:
    title: Its heading.
    summaries: Its numbers.
    tables: Its tables.
    pictures: Its pictures.
    remarks: Sentences about these numbers.
  """

  title: str
  summaries: Sequence[summary_lib.Summary]
  tables: Sequence[tables_lib.Table]
  pictures: Sequence[plots.Picture]
  remarks: Sequence[str]


@attrs.frozen(kw_only=True)
class Report:
  """What the pages say.

  Attributes:
    commands: What made the numbers, see `provenance`.
    split: On which examples the accuracies were measured.
    sections: One for each data set and partition.
    unfinished: Runs without which the numbers are.
    notes: How to read the numbers.
    targets: The accuracies whose cost is shown.
  """

  commands: Sequence[Mapping[str, Any]]
  split: str
  sections: Sequence[Section]
  unfinished: Sequence[results_lib.Unfinished]
  notes: Sequence[str] = _NOTES
  targets: summary_lib.Targets


def build_report(
    output_dir: str,
    results: Sequence[results_lib.Result],
    unfinished: Sequence[results_lib.Unfinished],
    *,
    targets: summary_lib.Targets,
    reference: str,
    sweep_metric: str,
    commands: Sequence[Mapping[str, Any]],
) -> Report:
  """Makes the report's content and draws its pictures.

  Args:
    output_dir: The comparison's folder; pictures go into its `plots`.
    results: The runs that have finished.
    unfinished: The others.
    targets: The accuracies whose cost is shown.
    reference: The label of the one that is compared with each of the others.
    sweep_metric: `global_accuracy` or `personal_accuracy`, by which a cell of a
      sweep is best.
    commands: What made the numbers.
  """
  summaries_of = {
      group: summary_lib.summarize(members, targets)
      for group, members in _groups(results).items()
  }
  drawn_of = {
      group: _choose_drawn(summaries, sweep_metric)
      for group, summaries in summaries_of.items()
  }
  styles = plots.make_styles(
      [summary.label for drawn in drawn_of.values() for summary in drawn]
  )
  sections = []
  for group, summaries in summaries_of.items():
    drawn = drawn_of[group]
    sections.append(
        Section(
            title=group,
            summaries=summaries,
            tables=[
                *tables_lib.build_tables(summaries, targets),
                *pairs.build_pair_tables(summaries, reference),
                *tables_lib.build_sweep_tables(summaries, sweep_metric),
            ],
            pictures=plots.plot_comparison(
                os.path.join(output_dir, 'plots'),
                group,
                drawn,
                styles,
                targets,
            ),
            remarks=_make_remarks(summaries, drawn, sweep_metric),
        )
    )
  return Report(
      commands=commands,
      split=_describe_split(results),
      sections=sections,
      unfinished=unfinished,
      targets=targets,
  )


def _groups(results) -> Dict[str, List[results_lib.Result]]:
  groups = {}
  for result in results:
    groups.setdefault(result.group, []).append(result)
  return groups


def _choose_drawn(summaries, metric: str):
  if len(summaries) <= _MAX_LINES:
    return summaries
  return [
      summary_lib.best_of(cells, metric) or cells[0]
      for cells in tables_lib.group_by_name(summaries).values()
  ]


def best_cells(
    summaries: Sequence[summary_lib.Summary], metric: str
) -> Dict[str, summary_lib.Summary]:
  """Returns the best cell of every sweep, by the name of what was swept.

  Args:
    summaries: The numbers of runs on one data set and partition.
    metric: By which it is best.
  """
  best = {}
  for name, cells in tables_lib.group_by_name(summaries).items():
    cell = summary_lib.best_of(cells, metric)
    if len(cells) > 1 and cell is not None:
      best[name] = cell
  return best


def _make_remarks(summaries, drawn, metric: str) -> List[str]:
  configs = [s.results[0].config for s in summaries]
  seeds = sorted({r.config.seed for s in summaries for r in s.results})
  rounds = sorted({len(r.rows) for s in summaries for r in s.results})
  remarks = [
      f'{_plural("Seed", seeds)}; rounds '
      + ' to '.join(str(r) for r in dict.fromkeys([rounds[0], rounds[-1]]))
      + f'; model {", ".join(dict.fromkeys(c.model for c in configs))}; '
      + _describe_clients(configs)
  ]
  for name, cell in best_cells(summaries, metric).items():
    value = cell.values[metric].mean
    remarks.append(
        f'Of the cells of {name}, {cell.label} has the best '
        f'{metric.replace("_", " ")}, {value:.4f}.'
    )
  if len(drawn) < len(summaries):
    remarks.append('The pictures show the best cell of each sweep.')
  interim = {
      c.num_personal_clients
      for c in configs
      if c.num_personal_clients and c.rounds_per_personal_evaluation
  }
  if interim:
    remarks.append(
        'Personal accuracies before the last are of '
        f'{" or ".join(map(str, sorted(interim)))} seen clients; so is the '
        'accuracy that first reaches a personal target.'
    )
  return remarks


def _plural(word: str, values: Sequence[Any]) -> str:
  plural = 's' if len(values) > 1 else ''
  return f'{word}{plural} {", ".join(map(str, values))}'


def _describe_clients(configs) -> str:
  """Says how many clients there are, where all experiments agree."""
  kinds = {
      (c.num_clients, c.num_unseen_clients, c.clients_per_round)
      for c in configs
  }
  if len(kinds) > 1:
    return 'the number of clients differs between rows.'
  ((num_clients, num_unseen, per_round),) = kinds
  unseen = f' ({num_unseen} of them unseen)' if num_unseen else ''
  return f'{num_clients} clients{unseen}, {per_round} a round.'


def _describe_split(results) -> str:
  fractions = sorted({r.config.validation_fraction for r in results})
  if not any(fractions):
    return (
        'Global accuracies are of the data set\'s test split, personal ones of '
        'each client\'s own test examples.'
    )
  held_out = (
      'training examples held out at each client (validation_fraction '
      f'{" or ".join(f"{f:g}" for f in fractions if f)})'
  )
  if all(fractions):
    return (
        f'All accuracies are of {held_out}; neither the test split nor the '
        'clients\' test examples were looked at.'
    )
  return f'Some accuracies are of {held_out}, others of test examples.'


def to_rows(report: Report) -> List[Dict[str, Any]]:
  """Returns the rows of `report.json`."""
  return [
      summary_lib.to_json_row(summary)
      for section in report.sections
      for summary in section.summaries
  ]


def write_json(path: str, report: Report, sweep_metric: str) -> None:
  """Writes every number of a report, and what it was made of."""
  write_file(
      path,
      to_json(
          dict(
              rows=to_rows(report),
              details=[
                  dict(
                      algorithm=summary.label,
                      group=section.title,
                      seeds=[r.config.seed for r in summary.results],
                      options=summary.results[0].config.flag_values(),
                      values={
                          name: value and attrs.asdict(value)
                          for name, value in summary.values.items()
                      },
                  )
                  for section in report.sections
                  for summary in section.summaries
              ],
              best_cells={
                  section.title: {
                      name: cell.label
                      for name, cell in best_cells(
                          section.summaries, sweep_metric
                      ).items()
                  }
                  for section in report.sections
              },
              sweep_metric=sweep_metric,
              targets=attrs.asdict(report.targets),
              split=report.split,
              unfinished=[attrs.asdict(each) for each in report.unfinished],
              commands=report.commands,
          )
      ),
  )


def to_json(content: Any) -> str:
  """Returns content as the text of a JSON file."""
  return json.dumps(content, indent=2) + '\n'


def write_file(path: str, text: str) -> None:
  """Writes a text file, in whole or not at all; its folder is made."""
  os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
  files.write_atomically(path, text.encode())
