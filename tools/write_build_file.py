"""Brings the BUILD files up to date with what the sources import.

python -m tools.write_build_file
"""

import os
from typing import Dict, Sequence

from tools import build_file
from tools import sources

_HEADER = '# Written by `python -m tools.write_build_file`.'


def write_build_files(root: str = sources.ROOT) -> None:
  """Writes a BUILD file for each room of sources."""
  texts = format_build_files(build_file.build_targets(root=root))
  for path, text in texts.items():
    with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
      file.write(text)


def format_build_files(
    targets: Sequence[build_file.Target],
) -> Dict[str, str]:
  """Returns the text of each BUILD file by its path.

  Args:
    targets: All targets, one a folder.
  """
  return {
      os.path.join(target.folder, 'BUILD'): _format_target(target)
      for target in targets}


def _format_target(target):
  """Returns the text for a room."""
  rule = 'python_tests' if target.folder == 'tests' else 'python_room'
  call = _format_call(rule, {
      'data': [f'**/*{ending}' for ending in target.data],
      'programs': target.programs,
      # In Buildifier's order: ours, then packages.
      'deps': sorted(
          target.deps, key=lambda dep: ('/@'.index(dep[0]), dep))})
  return '\n'.join([
      _HEADER, f'load("//tools:python.bzl", "{rule}")', '', call, ''])


def _format_call(rule, arguments):
  """Returns a call as Buildifier formats it."""
  arguments = {name: value for name, value in arguments.items() if value}
  if list(arguments) == ['deps'] and len(arguments['deps']) > 1:
    lines = [f'{rule}(deps = [', *_format_items(arguments['deps']), '])']
    return '\n'.join(lines)
  lines = [f'{rule}(']
  for name, value in arguments.items():
    if len(value) == 1:
      lines.append(f'    {name} = ["{value[0]}"],')
    else:
      items = ['    ' + item for item in _format_items(value)]
      lines += [f'    {name} = [', *items, '    ],']
  return '\n'.join([*lines, ')'])


def _format_items(values):
  return [f'    "{value}",' for value in values]


if __name__ == '__main__':
  write_build_files()
