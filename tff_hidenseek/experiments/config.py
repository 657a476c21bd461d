"""The description of one experiment: frozen, validated, and its flag file.

Whatever determines a run's numbers stands here; where and how fast it runs
(output folder, runtime, threads) does not.
"""

import os
import re
from typing import Any, Dict, Mapping

import attrs

from tff_hidenseek.algorithms import registry
from tff_hidenseek.data import datasets
from tff_hidenseek.data import partitions
from tff_hidenseek.experiments import participation
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.models import architectures

_option = options_lib.option


@attrs.frozen(kw_only=True)
class ExperimentConfig(
    participation.ParticipationOptions, attacks.AttackOptions
):
  """What is run; the help of each option explains it."""

  algorithm: str = attrs.field(
      default='hidenseek',
      metadata={
          'help': 'Federated algorithm.',
          'choices': tuple(registry.ALGORITHMS),
      },
  )
  options: Any = attrs.field(metadata={'help': None})
  dataset: str = attrs.field(
      default='digits',
      metadata={
          'help': (
              f'One of {", ".join(datasets.list_names())}; the last two are '
              'your own data.'
          )
      },
  )
  data_dir: str = _option('', 'Folder with data set files.')
  model: str = attrs.field(
      default='cnn',
      metadata={
          'help': 'Architecture.',
          'choices': tuple(architectures.MODELS),
      },
  )
  partition: str = _option(
      'iid',
      'How examples are divided over clients.',
      choices=tuple(partitions.PARTITIONERS),
  )
  partition_file: str = _option('', 'A saved partition to use instead.')
  num_clients: int = _option(10, 'Clients, seen or unseen.', minimum=1)
  num_unseen_clients: int = _option(
      0, 'How many of them never train.', minimum=0
  )
  classes_per_client: int = _option(
      2, 'Classes of a client (partition shards).', minimum=1
  )
  concentration: float = _option(
      0.3, 'Smaller is more skewed (partition dirichlet).', above=0
  )
  test_fraction: float = _option(
      0.2,
      'Part of a client\'s examples kept for its own test.',
      above=0,
      maximum=0.9,
  )
  validation_fraction: float = _option(
      0.0,
      'Part of each client\'s training examples held out for tuning: they take '
      'the place of all test examples.',
      minimum=0,
      maximum=0.9,
  )
  min_examples_per_client: int = _option(
      1, 'Fewest examples a client trains on, and tests on.', minimum=1
  )
  max_examples_per_client: int = _option(
      0, 'Most examples a client trains on; 0 is no limit.', minimum=0
  )
  num_rounds: int = _option(50, 'Rounds of training.', minimum=1)
  max_megabytes: float = _option(
      0.0,
      'The run ends with the round that reaches so many megabytes, up and down '
      'of all clients; 0 is no limit.',
      minimum=0,
  )
  max_seconds: float = _option(
      0.0,
      'The run ends with the round that reaches so many seconds of training; 0 '
      'is no limit.',
      minimum=0,
  )
  rounds_per_evaluation: int = _option(
      1, 'Rounds between evaluations of the global model.', minimum=1
  )
  rounds_per_personal_evaluation: int = _option(
      0,
      'Rounds between evaluations of all personal models; 0: after the last '
      'round only.',
      minimum=0,
  )
  num_personal_clients: int = _option(
      0,
      'Seen clients in evaluations of personal models, but for the last, which '
      'is of all clients; 0 is all clients.',
      minimum=0,
  )
  rounds_per_checkpoint: int = _option(
      10, 'Rounds between checkpoints.', minimum=1
  )
  seed: int = _option(
      0, 'Every random draw comes from it.', minimum=0, maximum=2**31 - 1
  )
  data_seed: int = _option(
      -1,
      'Another seed for who has which examples; -1 is --seed.',
      minimum=-1,
      maximum=2**31 - 1,
  )

  def __attrs_post_init__(self):
    super().__attrs_post_init__()
    check_name('algorithm', self.algorithm, registry.ALGORITHMS)
    check_name('model', self.model, architectures.MODELS)
    if (
        self.malicious_fraction
        and not registry.ALGORITHMS[self.algorithm].can_be_attacked
    ):
      raise ValueError(
          f'`malicious_fraction` must be 0 with {self.algorithm}, whose '
          'clients send more than votes or weights, found '
          f'{self.malicious_fraction:g}.'
      )
    for name in ('dataset', 'data_dir', 'partition_file'):
      self._check_fits_a_line(name)
    num_seen = self.num_clients - self.num_unseen_clients
    if self.clients_per_round > num_seen:
      raise ValueError(
          '`clients_per_round` must be at most `num_clients` - '
          f'`num_unseen_clients` = {num_seen}, found {self.clients_per_round}.'
      )
    if self.num_drawn > num_seen:
      raise ValueError(
          '`over_selection` must draw no more clients than `num_clients` - '
          f'`num_unseen_clients` = {num_seen}, found {self.over_selection:g}, '
          f'which draws {self.num_drawn}.'
      )

  def _check_fits_a_line(self, name: str) -> None:
    """Raises `ValueError` if the flag file could not hold a text."""
    text = getattr(self, name)
    is_line = text == text.strip() and len(text.splitlines()) < 2
    others = re.findall(r'\s--?(\w+)', text)
    try:
      text.encode()
    except UnicodeEncodeError:
      is_line = False
    if not is_line or any(other in self.flag_values() for other in others):
      raise ValueError(
          f'`{name}` must fit a line of a flag file: UTF-8, no other flag in '
          f'it and no space at its ends, found {text!r}.'
      )

  @property
  def partition_seed(self) -> int:
    """The seed of who has which examples."""
    return self.seed if self.data_seed < 0 else self.data_seed

  def flag_values(self) -> Mapping[str, Any]:
    """Returns every option and its value, the algorithm's among them."""
    values = attrs.asdict(self, recurse=False)
    options = values.pop('options')
    return {**values, **attrs.asdict(options)}

  def to_flag_file(self) -> str:
    """Returns the text of a flag file that describes this experiment."""
    lines = [f'--{name}={value}' for name, value in self.flag_values().items()]
    return '\n'.join(lines) + '\n'


def check_name(argument: str, name: str, table: Mapping[str, Any]) -> None:
  """Raises `ValueError` if a table has no entry of that name."""
  if name not in table:
    raise ValueError(
        f'`{argument}` must be one of {", ".join(table)}, found {name!r}.'
    )


def with_data_dir(config: ExperimentConfig, data_dir: str) -> ExperimentConfig:
  """Returns the config of a run whose data has moved to another folder.

  Args:
    config: The config, in which paths are absolute.
    data_dir: The folder that its file or folder of data is in now.
  """
  key, _, path = config.dataset.partition(':')
  dataset = config.dataset
  if os.path.isabs(path):
    moved = os.path.join(data_dir, os.path.basename(path))
    dataset = f'{key}:{os.path.abspath(moved)}'
  return attrs.evolve(config, dataset=dataset, data_dir=data_dir)


def make_paths_absolute(values: Mapping[str, Any]) -> Dict[str, Any]:
  """Returns options in which no path depends on the working directory.

  Args:
    values: Names and values of options.
  """
  values = dict(values)
  for name in ('data_dir', 'partition_file'):
    if values.get(name):
      values[name] = os.path.abspath(values[name])
  if values.get('dataset'):
    values['dataset'] = datasets.make_absolute(
        values['dataset'], values.get('data_dir')
    )
  return values


def build_config(values: Mapping[str, Any]) -> ExperimentConfig:
  """Builds a config from the options that were given; its paths are absolute.

  Args:
    values: Names and values of options, of the experiment or its algorithm;
      what is missing takes its default.

  Returns:
    The config.

  Raises:
    ValueError: If a value breaks its rule, a name is unknown, or an option
      belongs to an algorithm that is not chosen.
  """
  values = make_paths_absolute(values)
  common = {field.name for field in attrs.fields(ExperimentConfig)}
  algorithm = values.get('algorithm', 'hidenseek')
  check_name('algorithm', algorithm, registry.ALGORITHMS)
  options_class = registry.ALGORITHMS[algorithm].options_class
  allowed = {field.name for field in attrs.fields(options_class)}
  for name in values:
    if name not in common | allowed:
      users = [
          other
          for other, entry in registry.ALGORITHMS.items()
          if name in {f.name for f in attrs.fields(entry.options_class)}
      ]
      raise ValueError(
          f'`{name}` must be an option of {algorithm}, found one of '
          f'{", ".join(users) or "no algorithm"}.'
      )
  options = options_class(
      **{name: value for name, value in values.items() if name in allowed}
  )
  return ExperimentConfig(
      options=options,
      **{name: value for name, value in values.items() if name in common},
  )


def with_algorithm(config: ExperimentConfig, name: str) -> ExperimentConfig:
  """Returns the same experiment with another algorithm.

  Args:
    config: The experiment.
    name: The other algorithm.

  Returns:
    The experiment in which that algorithm has its own defaults, but as many
    local epochs and as large batches as the first.

  Raises:
    ValueError: If there is no such algorithm.
  """
  check_name('algorithm', name, registry.ALGORITHMS)
  options = registry.ALGORITHMS[name].options_class(
      num_epochs=config.options.num_epochs,
      batch_size=config.options.batch_size,
  )
  return attrs.evolve(config, algorithm=name, options=options)
