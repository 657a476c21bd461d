"""Flags of an experiment, made from the options they set."""

import os
from typing import Any, Dict

from absl import flags
import attrs

from tff_hidenseek.algorithms import registry
from tff_hidenseek.commands import flag_files
from tff_hidenseek.experiments import config as config_lib

_DEFINE = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def _owners() -> Dict[str, Dict[str, attrs.Attribute]]:
  """Returns the classes whose options become flags, by their owner's name."""
  classes = {'': config_lib.ExperimentConfig}
  classes.update(
      (name, entry.options_class)
      for name, entry in registry.ALGORITHMS.items()
  )
  return {
      owner: {
          field.name: field
          for field in attrs.fields(options_class)
          if field.metadata['help'] is not None
      }
      for owner, options_class in classes.items()
  }


def define_experiment_flags(
    flag_values: flags.FlagValues = flags.FLAGS,
) -> None:
  """Defines a flag for every option of an experiment and of all algorithms.

  A flag that is not given is `None`, and the option takes the default of the
  algorithm that is chosen; the help text shows all defaults.

  Args:
    flag_values: Where the flags are defined.
  """
  fields: Dict[str, Dict[str, attrs.Attribute]] = {}
  for owner, owned in _owners().items():
    for name, field in owned.items():
      fields.setdefault(name, {})[owner] = field
  for name, by_owner in fields.items():
    field = next(iter(by_owner.values()))
    defaults = {owner: f.default for owner, f in by_owner.items()}
    if '' in defaults:
      text = f'default {defaults[""]!r}'
    elif len(set(defaults.values())) == 1:
      text = f'default {field.default!r}; {", ".join(defaults)}'
    else:
      text = 'default ' + ', '.join(
          f'{default!r} for {owner}' for owner, default in defaults.items()
      )
    choices = list(
        dict.fromkeys(
            choice
            for f in by_owner.values()
            for choice in f.metadata.get('choices') or ()
        )
    )
    of = f' One of {", ".join(choices)}.' if choices else ''
    _DEFINE[type(field.default)](
        name,
        None,
        f'{field.metadata["help"]}{of} ({text})',
        flag_values=flag_values,
    )


def given_values(
    flag_values: flags.FlagValues = flags.FLAGS,
) -> Dict[str, Any]:
  """Returns the options that are given, and their values.

  Args:
    flag_values: Where the flags are defined and parsed.
  """
  names = {name for owned in _owners().values() for name in owned}
  return {
      name: flag_values[name].value
      for name in sorted(names)
      if flag_values[name].value is not None
  }


def parse_value(name: str, text: str) -> Any:
  """Returns what a flag would be if it were given.

  Args:
    name: The flag's name.
    text: Its value on a command line.

  Raises:
    ValueError: If there is no such flag, or that is no value of it.
  """
  flag_values = flags.FlagValues()
  define_experiment_flags(flag_values)
  if name not in flag_values:
    raise ValueError(f'`sweep` must be of an option, found {name!r}.')
  try:
    return flag_values[name].parser.parse(text)
  except ValueError as error:
    raise ValueError(
        f'`sweep` must give values of `{name}`, found {text!r} ({error}).'
    ) from error


def config_from_flags(
    flag_values: flags.FlagValues = flags.FLAGS,
) -> config_lib.ExperimentConfig:
  """Returns the experiment that the flags describe.

  Args:
    flag_values: Where the flags are defined and parsed.

  Returns:
    The config.

  Raises:
    ValueError: If a flag breaks its rule or belongs to another algorithm.
  """
  return config_lib.build_config(given_values(flag_values))


def config_from_file(path: str) -> config_lib.ExperimentConfig:
  """Returns the experiment that a flag file describes.

  Args:
    path: The file, such as the `config.flags` of a run.

  Returns:
    The config.

  Raises:
    ValueError: If there is no such file, or it does not describe an experiment.
  """
  if not os.path.isfile(path):
    raise ValueError(f'`run_dir` must hold a run, found no file {path}.')
  return config_lib.build_config(values_from_file(path))


def values_from_file(path: str) -> Dict[str, Any]:
  """Returns the options that a flag file gives, and their values.

  Args:
    path: The file.

  Raises:
    ValueError: If there is no such file, or it holds other flags.
  """
  if not os.path.isfile(path):
    raise ValueError(f'`flagfiles` must be files, found none at {path}.')
  flag_values = flags.FlagValues()
  define_experiment_flags(flag_values)
  try:
    flag_values(['config', *flag_files.read(path, flag_values)])
  except flags.Error as error:
    raise ValueError(f'{path} is not the config of a run: {error}') from error
  return given_values(flag_values)
