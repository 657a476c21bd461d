"""The files of a comparison's report, made of what its runs have left."""

import json
import os
from typing import Optional, Sequence

from tff_hidenseek.comparisons import pages
from tff_hidenseek.comparisons import plan
from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import report_json
from tff_hidenseek.comparisons import results
from tff_hidenseek.comparisons import summary
from tff_hidenseek.experiments import provenance
from tff_hidenseek.experiments import run_data
from tff_hidenseek import files


def write(
    output_dir: str,
    runs: Sequence[plan.PlannedRun],
    *,
    targets: summary.Targets,
    reference: str,
    sweep_metric: str,
    allow_changed_data: bool = False,
    rows_file: Optional[str] = None,
) -> Optional[report_lib.Report]:
  """Writes `report.html`, `report.md`, `report.json` and their pictures.

  Args:
    output_dir: The comparison's folder.
    runs: Its runs.
    targets: The accuracies whose cost is shown.
    reference: The label of the one that is compared with each of the others.
    sweep_metric: `global_accuracy` or `personal_accuracy`, by which a cell of a
      sweep is best.
    allow_changed_data: Whether runs of one table may have other data.
    rows_file: Another file for the rows of `report.json`; its folder is made.

  Returns:
    The report; `None`, and no file, where no run has come to an end.

  Raises:
    ValueError: If runs of one table were trained on other data.
  """
  for group in sorted({run.group for run in runs}):
    run_data.check_alike(
        [run.run_dir for run in runs if run.group == group], allow_changed_data
    )
  left = results.read(runs)
  if not left.finished and not left.diverged:
    return None
  report = report_lib.build_report(
      output_dir,
      left,
      targets=targets,
      reference=reference,
      sweep_metric=sweep_metric,
      commands=provenance.read(output_dir),
  )
  content = json.dumps(
      report_json.to_content(report), indent=2, allow_nan=False
  )
  files.write_atomically(
      os.path.join(output_dir, 'report.json'), f'{content}\n'.encode()
  )
  if rows_file:
    os.makedirs(os.path.dirname(os.path.abspath(rows_file)), exist_ok=True)
    files.write_rows(rows_file, report_json.to_rows(report))
  pages.write_pages(output_dir, report)
  return report
