"""Brings the BUILD files up to date with what the sources import.

python -m tools.write_build_file
"""

import itertools
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
    targets: All targets, those of one folder beside each other.
  """
  return {
      os.path.join(folder, 'BUILD'): _format_folder(list(of_folder))
      for folder, of_folder in itertools.groupby(
          targets, key=lambda target: target.folder)}


def _format_folder(targets):
  """Returns the text for a room: its part, if there is one, and the rest."""
  *parts, whole = targets
  apart, calls = [], []
  for part in parts:
    apart += [os.path.relpath(path, part.folder) for path in part.paths]
    calls.append(_format_call('python_room', {
        'name': part.name, 'srcs': apart, 'deps': _format_deps(part)}))
  rule = 'python_tests' if whole.folder == 'tests' else 'python_room'
  calls.append(_format_call(rule, {
      'data': [f'**/*{ending}' for ending in whole.data],
      'exclude': apart,
      'programs': whole.programs,
      'deps': _format_deps(whole)}))
  return '\n'.join([
      _HEADER, f'load("//tools:python.bzl", "{rule}")', '',
      '\n\n'.join(calls), ''])


def _format_deps(target):
  """Returns labels in Buildifier's order: this folder's, ours, packages."""
  deps = [dep.replace(f'//{target.folder}:', ':') for dep in target.deps]
  return sorted(
      deps, key=lambda dep: (':/@'.index(dep[0]), dep.replace(':', '!')))


def _format_call(rule, arguments):
  """Returns a call as Buildifier formats it."""
  arguments = {name: value for name, value in arguments.items() if value}
  if list(arguments) == ['deps'] and len(arguments['deps']) > 1:
    lines = [f'{rule}(deps = [', *_format_items(arguments['deps']), '])']
    return '\n'.join(lines)
  lines = [f'{rule}(']
  for name, value in arguments.items():
    if isinstance(value, str):
      lines.append(f'    {name} = "{value}",')
    elif len(value) == 1:
      lines.append(f'    {name} = ["{value[0]}"],')
    else:
      items = ['    ' + item for item in _format_items(value)]
      lines += [f'    {name} = [', *items, '    ],']
  return '\n'.join([*lines, ')'])


def _format_items(values):
  return [f'    "{value}",' for value in values]


if __name__ == '__main__':
  write_build_files()
