"""Which runs a comparison of algorithms is made of."""

import glob
import os
import re
from typing import Any, Callable, List, Mapping, Optional, Sequence

import attrs

from tff_hidenseek.algorithms import registry
from tff_hidenseek.comparisons import contenders as contenders_lib
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation

# What all rows of a table have in common, beside their seeds.
_SHARED_OPTIONS = (
    *federation.DATA_OPTIONS,
    'data_dir',
    'partition_file',
    'num_unseen_clients',
    'model',
)


@attrs.frozen(kw_only=True)
class PlannedRun:
  """One run of a comparison.

  Attributes:
    label: What it is called in the report, the same for all seeds.
    config: The `ExperimentConfig`.
    run_dir: Its folder, which need not exist.
  """

  label: str
  config: config_lib.ExperimentConfig
  run_dir: str

  @property
  def flag_file(self) -> str:
    """The flag file that the run is started with, beside its folder."""
    return f'{self.run_dir}.flags'

  @property
  def log_file(self) -> str:
    """What the run says, beside its folder."""
    return f'{self.run_dir}.log'

  @property
  def group(self) -> str:
    """The name of the runs it is compared with: data set and partition."""
    return _group(self.config)

  @property
  def name(self) -> str:
    """What it is called while it runs."""
    return f'{self.group} {self.label} seed {self.config.seed}'


def _group(config: config_lib.ExperimentConfig) -> str:
  return f'{contenders_lib.to_word(config.dataset)}.{config.partition}'


def plan(
    contenders: Sequence[contenders_lib.Contender],
    output_dir: str,
    *,
    seeds: Sequence[int] = (),
    seeds_of: Optional[Mapping[str, Sequence[int]]] = None,
    partitions: Sequence[str] = (),
) -> List[PlannedRun]:
  """Returns the runs of a comparison, seed by seed.

  Args:
    contenders: What is compared.
    output_dir: The comparison's folder.
    seeds: Seeds of all; each contender's own by default.
    seeds_of: Other seeds for contenders of a name.
    partitions: Each contender runs on every one; on its own by default.

  Raises:
    ValueError: If an option breaks its rule, two runs are the same, or the rows
      of a table would differ in their data or model.
  """
  seeds_of = seeds_of or {}
  names = [contender.name for contender in contenders]
  for name in seeds_of:
    if name not in names:
      raise ValueError(
          f'`seeds_of` must be of one of {", ".join(dict.fromkeys(names))}, '
          f'found {name!r}.'
      )
  runs = []
  for contender in contenders:
    own = config_lib.build_config(contender.values)
    if partitions and own.partition_file:
      raise ValueError(
          '`partitions` must not come with `partition_file`, found '
          f'{own.partition_file!r}.'
      )
    for partition in partitions or [own.partition]:
      for seed in seeds_of.get(contender.name, seeds or [own.seed]):
        config = config_lib.build_config(
            {**contender.values, 'partition': partition, 'seed': seed}
        )
        runs.append(
            PlannedRun(
                label=contender.label,
                config=config,
                run_dir=_run_dir(output_dir, contender.label, config),
            )
        )
  check_is_fair(runs)
  # A seed of all before the next: what a stop leaves can be compared.
  return sorted(runs, key=lambda run: run.config.seed)


def _run_dir(output_dir: str, label: str, config) -> str:
  return os.path.join(
      output_dir,
      'runs',
      _group(config),
      label.replace(' ', ','),
      f'seed{config.seed}',
  )


def check_is_fair(runs: Sequence[PlannedRun]) -> None:
  """Checks that the rows of each table have the same data and model.

  Args:
    runs: The runs of all tables. What one of them swept may differ.

  Raises:
    ValueError: If something else differs, or two runs share a folder.
  """
  swept = {o for run in runs for o in contenders_lib.split_label(run.label)}
  folders, first_of = set(), {}
  for run in runs:
    if run.run_dir in folders:
      raise ValueError(f'A run must be named once, found {run.name} twice.')
    folders.add(run.run_dir)
    first = first_of.setdefault(run.group, run)
    for option in _SHARED_OPTIONS:
      values = [getattr(each.config, option) for each in (first, run)]
      if option not in swept and values[0] != values[1]:
        raise ValueError(
            f'`{option}` must be the same in all that is compared on '
            f'{run.group}, found {values[0]!r} for {first.label} and '
            f'{values[1]!r} for {run.label}.'
        )


def check_reference(runs: Sequence[PlannedRun], reference: str) -> None:
  """Raises `ValueError` if there are runs, and none has this label."""
  labels = sorted({run.label for run in runs})
  if labels and reference not in labels:
    raise ValueError(
        f'`reference` must be one of {", ".join(labels)}, found {reference!r}.'
    )


def find_runs(
    output_dir: str, read_config: Callable[[str], config_lib.ExperimentConfig]
) -> List[PlannedRun]:
  """Returns the runs of a comparison that were ever planned in a folder.

  Args:
    output_dir: The comparison's folder.
    read_config: Makes an `ExperimentConfig` of a flag file's path.

  Returns:
    The runs, in the order of the table of algorithms.
  """
  runs = [
      PlannedRun(
          label=os.path.basename(os.path.dirname(path)).replace(',', ' '),
          config=read_config(path),
          run_dir=path[: -len('.flags')],
      )
      for path in glob.glob(
          os.path.join(glob.escape(output_dir), 'runs/*/*/seed*.flags')
      )
  ]
  algorithms = list(registry.ALGORITHMS)
  return sorted(
      runs,
      key=lambda run: (
          run.group,
          algorithms.index(run.config.algorithm),
          _natural_key(run.label),
          run.config.seed,
      ),
  )


def _natural_key(text: str) -> List[Any]:
  """Returns a key that sorts numbers in a text by their value."""
  number = r'(\d+(?:\.\d+)?(?:e[+-]?\d+)?)'
  parts = re.split(number, text)
  return [float(p) if i % 2 else p for i, p in enumerate(parts)]
