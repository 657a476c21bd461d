"""What is compared: algorithms, their options, and the grid of a sweep."""

import collections
import itertools
import os
import re
from typing import Any, Collection, Dict, List, Mapping, Sequence

import attrs

from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import config as config_lib

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
        + [f'{name}={to_word(value)}' for name, value in self.swept.items()]
    )


def to_word(value: Any) -> str:
  """Writes a value so that it can be part of a folder's name and a label."""
  return re.sub(r'[^\w.=+-]+', '_', str(value))


def split_label(label: str) -> Dict[str, str]:
  """Returns the options that a sweep set in a label, and their values."""
  return dict(word.split('=', 1) for word in label.split(' ')[1:])


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
