"""The report of a comparison: what its pages say."""

import os
from typing import Any, List, Mapping, Sequence, Tuple

import attrs

from tff_hidenseek.comparisons import pairs
from tff_hidenseek.comparisons import plots
from tff_hidenseek.comparisons import remarks
from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import sweeps
from tff_hidenseek.comparisons import tables as tables_lib

# A picture with more lines than this shows the best of each sweep alone.
_MAX_LINES = 8


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
    runs: The runs, also those without which the numbers are.
    notes: How to read the numbers.
    targets: The accuracies whose cost is shown.
    sweep_metric: By which a cell of a sweep is best.
  """

  commands: Sequence[Mapping[str, Any]]
  split: str
  sections: Sequence[Section]
  runs: results_lib.Runs
  notes: Sequence[str] = remarks.NOTES
  targets: summary_lib.Targets
  sweep_metric: str

  @property
  def left_out(self) -> List[Tuple[str, List[str]]]:
    """Headings, and under each a sentence a run that is in no number."""
    kinds = (
        ('Diverged', remarks.describe_diverged, self.runs.diverged),
        ('Not finished', remarks.describe_unfinished, self.runs.unfinished),
    )
    return [
        (f'{kind}, and not in the numbers:', list(map(describe, runs)))
        for kind, describe, runs in kinds
        if runs
    ]


def build_report(
    output_dir: str,
    runs: results_lib.Runs,
    *,
    targets: summary_lib.Targets,
    reference: str,
    sweep_metric: str,
    commands: Sequence[Mapping[str, Any]],
) -> Report:
  """Makes the report's content and draws its pictures.

  Args:
    output_dir: The comparison's folder; pictures go into its `plots`.
    runs: What the runs have left.
    targets: The accuracies whose cost is shown.
    reference: The label of the one that is compared with each of the others.
    sweep_metric: `global_accuracy` or `personal_accuracy`, by which a cell of a
      sweep is best.
    commands: What made the numbers.
  """
  summaries_of = {
      group: summary_lib.summarize(
          [result for result in runs.finished if result.group == group], targets
      )
      for group in dict.fromkeys(result.group for result in runs.finished)
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
                *sweeps.build_sweep_tables(summaries, sweep_metric),
            ],
            pictures=plots.plot_comparison(
                os.path.join(output_dir, 'plots'),
                group,
                drawn,
                styles,
                targets,
            ),
            remarks=[
                *_describe_data(runs.finished, group),
                *remarks.describe_section(summaries, drawn, sweep_metric),
            ],
        )
    )
  return Report(
      commands=commands,
      split=remarks.describe_split(runs.finished),
      sections=sections,
      runs=runs,
      targets=targets,
      sweep_metric=sweep_metric,
  )


def _describe_data(results, group: str) -> List[str]:
  known = [r.data for r in results if r.group == group and r.data]
  return [remarks.describe_data(data) for data in known[:1]]


def _choose_drawn(summaries, metric: str):
  if len(summaries) <= _MAX_LINES:
    return summaries
  return [
      summary_lib.best_of(cells, metric) or cells[0]
      for cells in sweeps.group_by_name(summaries).values()
  ]
