"""What the runs of a comparison have left, read from their folders."""

from typing import Any, Mapping, Optional, Sequence

import attrs

from tff_hidenseek.comparisons import child_commands
from tff_hidenseek.comparisons import plan
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import personal_accuracies
from tff_hidenseek.experiments import run_data
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
    data: What the run keeps of its data (see `run_data`), if it does.
  """

  label: str
  group: str
  config: config_lib.ExperimentConfig
  rows: Sequence[Mapping[str, Any]]
  personal: Sequence[float] = ()
  shipped: Optional[shipped_model.ShippedModel] = None
  data: Optional[Mapping[str, Any]] = None


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


@attrs.frozen(kw_only=True)
class Diverged:
  """A run that stopped because its numbers were no longer finite.

  Attributes:
    name: The run.
    round_num: The round in which that happened.
    of_rounds: Rounds it was to do at most.
    reason: Which numbers.
  """

  name: str
  round_num: int
  of_rounds: int
  reason: str


@attrs.frozen(kw_only=True)
class Runs:
  """All runs of a comparison, by how far they have come.

  Attributes:
    finished: Those of which the numbers are.
    unfinished: Those that have not finished, and may go on.
    diverged: Those that will not.
  """

  finished: Sequence[Result]
  unfinished: Sequence[Unfinished] = ()
  diverged: Sequence[Diverged] = ()


def read(runs: Sequence[plan.PlannedRun]) -> Runs:
  """Reads what runs have left, in their order.

  Args:
    runs: The runs; of one seed each the model's file is measured.
  """
  finished, unfinished, diverged = [], [], []
  measured = {}
  for run in runs:
    noted = divergence.read(run.run_dir)
    if noted:
      diverged.append(
          Diverged(name=run.name, of_rounds=run.config.num_rounds, **noted)
      )
      continue
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
            data=run_data.read(run.run_dir),
        )
    )
  return Runs(finished=finished, unfinished=unfinished, diverged=diverged)
