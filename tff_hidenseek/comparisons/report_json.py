"""What `report.json` says."""

from typing import Any, Dict, List

import attrs

from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import summary as summary_lib
from tff_hidenseek.comparisons import sweeps


def to_rows(report: report_lib.Report) -> List[Dict[str, Any]]:
  """Returns the rows of `report.json`."""
  return [
      summary_lib.to_json_row(summary)
      for section in report.sections
      for summary in section.summaries
  ]


def to_content(report: report_lib.Report) -> Dict[str, Any]:
  """Returns every number of a report, and what it was made of."""
  return dict(
      rows=to_rows(report),
      details=[
          dict(
              algorithm=summary.label,
              group=section.title,
              seeds=[r.config.seed for r in summary.results],
              data=summary.results[0].data,
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
              for name, cell in sweeps.best_cells(
                  section.summaries, report.sweep_metric
              ).items()
          }
          for section in report.sections
      },
      sweep_metric=report.sweep_metric,
      targets=attrs.asdict(report.targets),
      split=report.split,
      unfinished=list(map(attrs.asdict, report.runs.unfinished)),
      diverged=list(map(attrs.asdict, report.runs.diverged)),
      commands=report.commands,
  )
