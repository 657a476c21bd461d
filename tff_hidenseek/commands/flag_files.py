"""Flag files: a flag a line, and nothing that is dropped in silence."""

import os
import re
from typing import Iterator, List, Sequence, Tuple

from absl import flags

_INCLUDE = re.compile(r'--?flagfile(?:=(.*))?', re.DOTALL)
_FLAG = re.compile(r'--?([A-Za-z_][\w-]*)(=?)(.*)', re.DOTALL)


def expand(
    arguments: Sequence[str], flag_values: flags.FlagValues
) -> List[str]:
  """Puts what flag files hold in the place of each `--flagfile=PATH`.

  Args:
    arguments: Those of a command line, without the program's name.
    flag_values: The flags that are defined.

  Raises:
    ValueError: If a file holds something else than flags.
    OSError: If a file cannot be read.
  """
  expanded, rest = [], iter(arguments)
  for argument in rest:
    match = _INCLUDE.fullmatch(argument)
    if match is None:
      expanded.append(argument)
      continue
    path = next(rest, '') if match[1] is None else match[1]
    expanded += read(path, flag_values) if path else []
  return expanded


def read(
    path: str,
    flag_values: flags.FlagValues,
    included_by: Tuple[str, ...] = (),
) -> List[str]:
  """Returns the flags in a file and in those that it includes.

  A line is a flag, `--flagfile=PATH`, a comment after `#` or `//`, or empty.

  Args:
    path: The file, in UTF-8, with a byte-order mark or without.
    flag_values: The flags that are defined. Whether one that is not is a
      mistake is for the parser to say.
    included_by: The files that lead here.

  Raises:
    ValueError: If it holds something else than flags, or includes itself.
    OSError: If it cannot be read.
  """
  path = os.path.expanduser(path)
  if path in included_by:
    raise ValueError(f'`flagfile` must not include itself, found {path} again.')
  arguments = []
  for line_num, line in _iterate_lines(path):
    include = _INCLUDE.fullmatch(line)
    if include and include[1] and include[1].isprintable():
      arguments += read(include[1], flag_values, (*included_by, path))
      continue
    if include or not _is_flag(line, flag_values):
      raise ValueError(
          '`flagfile` must hold one flag a line, --name=value, found '
          f'{line!r} in line {line_num} of {path}.'
      )
    arguments.append(line)
  return arguments


def _iterate_lines(path: str) -> Iterator[Tuple[int, str]]:
  """Yields the numbers and the text of lines that are no comments."""
  if not os.path.isfile(path):
    raise FileNotFoundError(f'`flagfile` must be a file, found none at {path}.')
  with open(path, 'rb') as file:
    try:
      lines = file.read().decode('utf-8-sig').split('\n')
    except UnicodeDecodeError as error:
      raise ValueError(
          f'`flagfile` must be text in UTF-8, found other bytes in {path}.'
      ) from error
  for line_num, line in enumerate(map(str.strip, lines), start=1):
    if line and not line.startswith(('#', '//')):
      yield line_num, line


def _is_flag(line: str, flag_values: flags.FlagValues) -> bool:
  """Whether a line is one flag with its value, and holds no other flag."""
  match = _FLAG.fullmatch(line)
  # A carriage return within a line would stand in a value, and in a message.
  if match is None or len(line.splitlines()) > 1:
    return False
  name, equals, value = match.groups()
  if not equals:
    # Without a value the next line would be taken for it.
    return not value and (
        name not in flag_values or bool(flag_values[name].boolean)
    )
  others = re.findall(r'\s--?(\w+)', value)
  return not any(other in flag_values for other in others)
