"""What the runs of a comparison have left, read from their folders."""

from typing import Any, List, Mapping, Optional, Sequence, Tuple

import attrs

from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.comparisons import plan
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import personal_accuracies
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import shipped_model


@attrs.frozen(kw_only=True)
class Result:
  """A run that has finished.

  Attributes:
    label: What it is called, the same for all seeds.
    group: The name of the runs it is compared with.
    config: The experiment.
    rows: Its metrics, a row a round.
    personal: The last accuracy of every seen client, in their order.
    shipped: The model's file; `None` where it was not measured.
  """

  label: str
  group: str
  config: config_lib.ExperimentConfig
  rows: Sequence[Mapping[str, Any]]
  personal: Sequence[float] = ()
  shipped: Optional[shipped_model.ShippedModel] = None


@attrs.frozen(kw_only=True)
class Unfinished:
  """A run that has not finished.

  Attributes:
    name: The run.
    num_rounds: Rounds it has done.
    of_rounds: Rounds it was to do at most.
    error: The last line that it said, which tells why it failed if it did.
  """

  name: str
  num_rounds: int
  of_rounds: int
  error: str


def read(
    runs: Sequence[plan.PlannedRun],
) -> Tuple[List[Result], List[Unfinished]]:
  """Reads what runs have left.

  Args:
    runs: The runs; of one seed each the model's file is measured.

  Returns:
    Those that have finished, and those that have not, in the order given.
  """
  finished, unfinished = [], []
  measured = {}
  for run in runs:
    rows = metrics.read_rows(run.run_dir)
    if not run_folder.is_finished(run.run_dir):
      unfinished.append(
          Unfinished(
              name=run.name,
              num_rounds=len(rows),
              of_rounds=run.config.num_rounds,
              error=child_commands.last_error(run.log_file),
          )
      )
      continue
    key = run.group, run.label
    if key not in measured:
      measured[key] = shipped_model.measure(run.run_dir, run.config)
    personal = personal_accuracies.read(run.run_dir) or {'seen': {}}
    finished.append(
        Result(
            label=run.label,
            group=run.group,
            config=run.config,
            rows=rows,
            personal=list(personal['seen'].values()),
            shipped=measured[key],
        )
    )
  return finished, unfinished
