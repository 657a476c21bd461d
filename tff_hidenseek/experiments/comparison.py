"""Which runs a comparison of algorithms is made of."""

import collections
import glob
import itertools
import os
import re
from typing import Any, Collection, Dict, List, Mapping, Optional, Sequence

import attrs

from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation
from tff_hidenseek.experiments import registry

# What all rows of a table have in common, beside their seeds.
_SHARED_OPTIONS = (
    *federation.DATA_OPTIONS,
    'data_dir',
    'partition_file',
    'num_unseen_clients',
    'model',
)
# These have flags of their own.
_NOT_SWEPT = {
    'algorithm': 'algorithms',
    'partition': 'partitions',
    'seed': 'seeds',
}


@attrs.frozen(kw_only=True)
class Contender:
  """What is compared with others: an algorithm and the options given.

  Attributes:
    name: The algorithm's, or that of its flag file.
    values: Options, of the experiment or the algorithm, and their values.
    swept: Those among them that a sweep set.
  """

  name: str
  values: Mapping[str, Any]
  swept: Mapping[str, Any] = attrs.field(factory=dict)

  @property
  def label(self) -> str:
    """What it is called in the report, such as `hidenseek density=0.05`."""
    return ' '.join(
        [self.name]
        + [f'{name}={_to_word(value)}' for name, value in self.swept.items()]
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
    return f'{_to_word(self.config.dataset)}.{self.config.partition}'

  @property
  def name(self) -> str:
    """What it is called while it runs."""
    return f'{self.group} {self.label} seed {self.config.seed}'


def _to_word(value: Any) -> str:
  """Writes a value so that it can be part of a folder's name and a label."""
  return re.sub(r'[^\w.=+-]+', '_', str(value))


def _own_options(algorithm: str) -> Collection[str]:
  """Returns the names of the options that an algorithm has."""
  options_class = registry.ALGORITHMS[algorithm].options_class
  return {field.name for field in attrs.fields(options_class)}


def _has(contender: Contender, option: str) -> bool:
  common = {field.name for field in attrs.fields(config_lib.ExperimentConfig)}
  return option in common | _own_options(contender.values['algorithm'])


def _give(
    contenders: Sequence[Contender], values: Mapping[str, Any]
) -> List[Contender]:
  """Gives options to all contenders that have them; at least one must."""
  for option in values:
    _check_has_owner(contenders, option)
  return [
      attrs.evolve(
          contender,
          values={
              **contender.values,
              **{k: v for k, v in values.items() if _has(contender, k)},
          },
      )
      for contender in contenders
  ]


def _check_has_owner(contenders: Sequence[Contender], option: str) -> None:
  if not any(_has(contender, option) for contender in contenders):
    algorithms = {contender.values['algorithm'] for contender in contenders}
    raise ValueError(
        f'`{option}` must be an option of an algorithm that is compared, found '
        f'{", ".join(sorted(algorithms))}.'
    )


def of_algorithms(
    names: Sequence[str], values: Mapping[str, Any]
) -> List[Contender]:
  """Returns algorithms that share the options given.

  Args:
    names: Names in `registry.ALGORITHMS`.
    values: Options and their values; an algorithm that lacks one goes without.

  Raises:
    ValueError: If a name is unknown, or no algorithm has an option.
  """
  contenders = []
  for name in names:
    config_lib.check_name('algorithms', name, registry.ALGORITHMS)
    contenders.append(Contender(name=name, values={'algorithm': name}))
  common = {k: v for k, v in values.items() if k != 'algorithm'}
  return _give(contenders, common)


def of_files(
    files: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]
) -> List[Contender]:
  """Returns what flag files describe.

  A file gives its name up to the first dot; further parts follow where two
  would share a table and a name.

  Args:
    files: For each path the options it gives and their values.
    values: Options that override those of the files.

  Raises:
    ValueError: If a file does not describe an experiment, or no algorithm has
      an option.
  """
  if 'algorithm' in values:
    raise ValueError(
        '`algorithm` must not come with `flagfiles`, which name theirs, found '
        f'{values["algorithm"]!r}.'
    )
  contenders = []
  for path, given in files.items():
    config_lib.build_config(given)  # A file's own mistakes first.
    stem = re.sub(r'\.flags$', '', os.path.basename(path))
    contenders.append(
        Contender(name=stem, values={'algorithm': 'hidenseek', **given})
    )
  contenders = _give(contenders, values)
  stems = collections.defaultdict(list)
  tables = []
  for contender in contenders:
    config = config_lib.build_config(contender.values)
    tables.append((config.dataset, config.partition))
    stems[tables[-1]].append(contender.name)
  return [
      attrs.evolve(contender, name=_shorten(contender.name, stems[table]))
      for contender, table in zip(contenders, tables)
  ]


def _shorten(stem: str, stems: Sequence[str]) -> str:
  """Returns the first parts of a stem that no other stem begins with."""
  parts = stem.split('.')
  for count in range(1, len(parts)):
    heads = ['.'.join(other.split('.')[:count]) for other in stems]
    head = '.'.join(parts[:count])
    if heads.count(head) == 1:
      return head
  return stem


def sweep(
    contenders: Sequence[Contender], grid: Mapping[str, Sequence[Any]]
) -> List[Contender]:
  """Replaces each contender by one for every cell of a grid.

  Args:
    contenders: What is compared.
    grid: Options and the values each takes; a contender that lacks an option
      goes without it.

  Raises:
    ValueError: If no contender has an option, or it has a flag of its own.
  """
  for option in grid:
    if option in _NOT_SWEPT:
      raise ValueError(
          f'`sweep` must be of another option, found {option}: use '
          f'--{_NOT_SWEPT[option]}.'
      )
    _check_has_owner(contenders, option)
  cells = []
  for contender in contenders:
    options = [option for option in grid if _has(contender, option)]
    for chosen in itertools.product(*(grid[option] for option in options)):
      swept = dict(zip(options, chosen))
      cells.append(
          attrs.evolve(
              contender, values={**contender.values, **swept}, swept=swept
          )
      )
  return cells


def plan(
    contenders: Sequence[Contender],
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
  _check_is_fair(runs, {o for c in contenders for o in c.swept})
  # A seed of all before the next: what a stop leaves can be compared.
  return sorted(runs, key=lambda run: run.config.seed)


def _run_dir(output_dir: str, label: str, config) -> str:
  group = f'{_to_word(config.dataset)}.{config.partition}'
  return os.path.join(
      output_dir, 'runs', group, label.replace(' ', ','), f'seed{config.seed}'
  )


def _check_is_fair(runs: Sequence[PlannedRun], swept: Collection[str]) -> None:
  """Raises if two runs share a folder, or a table differs in its data."""
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


def find_runs(output_dir: str, read_config) -> List[PlannedRun]:
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


def split_label(label: str) -> Dict[str, str]:
  """Returns the options that a sweep set in a label, and their values."""
  return dict(word.split('=', 1) for word in label.split(' ')[1:])


def _natural_key(text: str) -> List[Any]:
  """Returns a key that sorts numbers in a text by their value."""
  number = r'(\d+(?:\.\d+)?(?:e[+-]?\d+)?)'
  parts = re.split(number, text)
  return [float(p) if i % 2 else p for i, p in enumerate(parts)]
