"""The tables in pages of docs/, made of the rows in docs/results/.

In a page a comment such as `<!-- table: accuracies mnist -->` stands above
each; what comes after it, up to the first line that is no row, is the table.
"""

import json
import pathlib
import re

from tools import sources

_DOCS = pathlib.Path(sources.ROOT, 'docs')
RESULTS = _DOCS / 'results'
PAGES = (_DOCS / 'results.md', _DOCS / 'method.md', _DOCS / 'privacy.md')
_TABLE = re.compile(r'(<!-- table: (\w+) (.+) -->\n)(?:\|.*\n)*')

_ALGORITHMS = {
    'hidenseek': 'HideNseek',
    'fed_avg': 'FedAvg',
    'fed_mask': 'FedMask',
    'lottery_fl': 'LotteryFL',
    'fed_pm': 'FedPM',
    'fed_avg_compressed': 'FedAvg, compressed up',
    'sign_sgd': 'signSGD',
    'ssfl': 'SSFL',
}
_CONTROLS = {
    'hidenseek pruning=synflow': 'SynFlow',
    'hidenseek pruning=random': 'random',
    'hidenseek pruning=synflow_shuffled': 'shuffled in each layer',
}
_DATASETS = {'mnist': 'MNIST', 'cifar10': 'CIFAR-10'}
_PARTITIONS = {
    'iid': 'iid',
    'dirichlet': 'Dirichlet 0.3',
    'shards': 'two classes',
}


def fill(page: str) -> str:
  """Returns a page with its tables made anew."""
  def make(match):
    return match[1] + '\n'.join(_KINDS[match[2]](*match[3].split())) + '\n'

  return _TABLE.sub(make, page)


def _read(name):
  """Returns the rows of a file by algorithm and partition."""
  text = (RESULTS / f'{name}.json').read_text(encoding='utf-8')
  return {(row['algorithm'], row['partition']): row for row in json.loads(text)}


def _write(columns, rows):
  lines = [f'| {" | ".join(map(str, line))} |' for line in [columns, *rows]]
  return [lines[0], '|---|' + '---:|' * (len(columns) - 1), *lines[1:]]


def _accuracy(row, name):
  mean, std = row[f'{name}_accuracy_mean'], row[f'{name}_accuracy_std']
  return f'{mean:.3f}' + ('' if std is None else f' ± {std:.3f}')


def _accuracies(name):
  rows = _read(name)
  columns = ['', 'seeds']
  for partition in _PARTITIONS.values():
    columns += [f'{partition}: global', 'personal']
  lines = []
  for algorithm, title in _ALGORITHMS.items():
    of_partition = [rows[algorithm, partition] for partition in _PARTITIONS]
    (num_seeds,) = {row['seeds'] for row in of_partition}
    line = [title, num_seeds]
    for row in of_partition:
      line += [_accuracy(row, 'global'), _accuracy(row, 'personal')]
    worst = of_partition[-1]['personal_accuracy_worst_decile']
    lines.append([*line, f'{worst:.3f}'])
  return _write([*columns, 'worst tenth'], lines)


def _costs(name):
  """Costs hardly differ between partitions: those of two classes."""
  rows = _read(name)
  columns = {
      'megabytes_up': 'MB up',
      'megabytes_down': 'MB down',
      'bits_per_weight_up': 'bits a weight up',
      'megabytes_to_target': 'MB to target',
      'seconds_to_target': 'seconds to target',
  }
  lines = []
  for algorithm, title in _ALGORITHMS.items():
    values = [rows[algorithm, 'shards'][column] for column in columns]
    lines.append([title, *('-' if v is None else f'{v:.4g}' for v in values)])
  return _write(['two classes a client', *columns.values()], lines)


def _cells(names):
  """Yields the title of each data set and partition, and its rows."""
  for name in names:
    rows = _read(name)
    for partition, title in _PARTITIONS.items():
      yield f'{_DATASETS[name.split("_")[0]]}, {title}', {
          algorithm: row for (algorithm, p), row in rows.items()
          if p == partition
      }


def _own_models(*names):
  lines = []
  for title, rows in _cells(names):
    own, *others = (
        (rows[algorithm]['personal_accuracy_mean'], algorithm)
        for algorithm in ('hidenseek', 'fed_mask', 'lottery_fl')
    )
    best = max(others)
    lines.append([
        title, f'{own[0]:.3f}', f'{best[0]:.3f} ({_ALGORITHMS[best[1]]})',
        f'{100 * (own[0] / best[0] - 1):+.1f} %', _yes(own[0] >= best[0]),
    ])
  return _write(['', 'HideNseek', 'the rival', 'gain', 'not worse'], lines)


def _one_bit(*names):
  lines = []
  for title, rows in _cells(names):
    own, other = rows['hidenseek'], rows['fed_pm']
    times = other['megabytes_up'] / own['megabytes_up']
    accuracies = own['global_accuracy_mean'], other['global_accuracy_mean']
    lines.append([
        title, *(f'{accuracy:.4f}' for accuracy in accuracies), f'{times:.1f}',
        _yes(accuracies[0] > accuracies[1] and times >= 5),
    ])
  return _write(['', 'HideNseek', 'FedPM', 'times less up', 'met'], lines)


def _dense(*names):
  lines = []
  for title, rows in _cells(names):
    own, other = rows['hidenseek'], rows['fed_avg']
    points, personal = (
        100 * (own[f'{kind}_accuracy_mean'] - other[f'{kind}_accuracy_mean'])
        for kind in ('global', 'personal')
    )
    partition = own['partition']
    bound = {'iid': -2, 'shards': -5}.get(partition)
    is_met = '-' if bound is None else _yes(points >= bound)
    times = other['megabytes_up'] / own['megabytes_up']
    lines.append([
        title, f'{points:+.1f}', is_met, f'{personal:+.1f}',
        _yes(personal >= 0), f'{times:.0f}',
    ])
  columns = ['', 'global, points', 'met', 'personal, points', 'met']
  return _write([*columns, 'times less up'], lines)


def _controls(*names):
  lines = [
      [title]
      + [
          f'{_accuracy(rows[algorithm], "global")} / '
          + _accuracy(rows[algorithm], 'personal')
          for algorithm in _CONTROLS
      ]
      for title, rows in _cells(names)
  ]
  return _write(['', *_CONTROLS.values()], lines)


def _sweep(name, base=''):
  """One option changed at a time; `base` are those of the row without."""
  rows = _read(f'sweeps/{name}')
  partitions = list(dict.fromkeys(partition for _, partition in rows))
  columns = ['change']
  for partition in partitions:
    title = f'{_PARTITIONS[partition]}: ' if len(partitions) > 1 else ''
    columns += [f'{title}global', 'personal', 'worst tenth']
  lines = []
  for algorithm in sorted({algorithm for algorithm, _ in rows}):
    options = algorithm.split()[1:]
    line = ['none' if ' '.join(options) == base else _write_flags(options)]
    for partition in partitions:
      row = rows[algorithm, partition]
      line += [
          f'{row[column]:.3f}'
          for column in (
              'global_accuracy_mean',
              'personal_accuracy_mean',
              'personal_accuracy_worst_decile',
          )
      ]
    lines.append(line)
  return _write(columns, sorted(lines, key=lambda line: line[0] != 'none'))


def _attacks(name, attack):
  """A line for each defence, and a column for each part that is malicious."""
  rows = {algorithm: row for (algorithm, _), row in _read(name).items()}
  contenders = list(
      dict.fromkeys(
          re.sub(r' (attack|malicious_fraction)=\S+', '', algorithm)
          for algorithm in rows
      )
  )
  fractions = list(
      dict.fromkeys(re.search(r'fraction=(\S+)', key)[1] for key in rows)
  )
  lines = []
  for contender in contenders:
    algorithm, *options = contender.split()
    line = [f'{_ALGORITHMS[algorithm]} {_write_flags(options)}']
    for fraction in fractions:
      words = [f'malicious_fraction={fraction}']
      if float(fraction):
        words.insert(0, f'attack={attack}')
      line.append(_accuracy(rows[' '.join([contender, *words])], 'global'))
    lines.append(line)
  columns = [f'{100 * float(fraction):.0f} %' for fraction in fractions]
  return _write([f'`--attack={attack}`', *columns], lines)


def _budgets(name, option):
  """A line for each value of an option of privacy, algorithms side by side."""
  rows = {}
  for (label, _), row in _read(name).items():
    algorithm, value = re.fullmatch(rf'(\w+) {option}=(\S+)', label).groups()
    rows.setdefault(float(value), {})[algorithm] = row
  algorithms = list(next(iter(rows.values())))
  columns = [f'`--{option}`']
  for algorithm in algorithms:
    columns += [f'{_ALGORITHMS[algorithm]}: global', 'personal', 'MB up']
  lines = []
  for value, by_algorithm in sorted(rows.items()):
    line = [f'{value:g}' if value else 'none']
    for algorithm in algorithms:
      row = by_algorithm[algorithm]
      line += [
          _accuracy(row, 'global'),
          _accuracy(row, 'personal'),
          f'{row["megabytes_up"]:.4g}',
      ]
    lines.append(line)
  return _write(columns, lines)


def _write_flags(options):
  pairs = [option.split('=') for option in options]
  flags = [
      f'--{name}' if value == 'True'
      else f'--no{name}' if value == 'False'
      else f'--{name}={value}'
      for name, value in pairs
  ]
  return f'`{" ".join(flags)}`'


def _yes(is_met):
  return 'yes' if is_met else 'no'


_KINDS = {
    'accuracies': _accuracies,
    'costs': _costs,
    'own_models': _own_models,
    'one_bit': _one_bit,
    'dense': _dense,
    'controls': _controls,
    'sweep': _sweep,
    'attacks': _attacks,
    'budgets': _budgets,
}
