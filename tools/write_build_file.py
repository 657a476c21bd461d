"""Brings the BUILD files up to date with what the sources import.

python -m tools.write_build_file
"""

import collections
import os

from tools import build_file
from tools import sources

_HEADER = '# Written by `python -m tools.write_build_file`.\n'


def write_build_files(root: str = sources.ROOT) -> None:
  """Writes a BUILD file into the project's folder and each one of sources."""
  targets = collections.defaultdict(list)
  for source in sources.read_sources(root):
    target = build_file.build_target(source)
    targets[os.path.dirname(source.path)].append(target)
  _write(root, '', _format_groups())
  for folder, folder_targets in targets.items():
    _write(root, folder, _format_folder(folder, folder_targets))


def _format_groups():
  lines = ['# Who may import a package: the arrows point down.']
  for name, packages in build_file.build_groups().items():
    lines += [
        '', 'package_group(', f'    name = "{name}",',
        *_format_list('packages', packages), ')']
  return lines


def _format_folder(folder, targets):
  kinds = sorted({target.kind for target in targets})
  lines = []
  if any('requirement' in dep for target in targets for dep in target.deps):
    lines.append('load("@pip//:requirements.bzl", "requirement")')
  names = ', '.join(f'"{kind}"' for kind in kinds)
  lines.append(f'load("@rules_python//python:defs.bzl", {names})')
  testonly = (
      ['    default_testonly = True,']
      if folder.split('/')[0] == 'tests' else [])
  lines += [
      '', 'package(', *testonly,
      *_format_list('default_visibility', build_file.find_visibility(folder)),
      ')']
  for target in sorted(targets, key=lambda target: target.label):
    name = target.label.partition(':')[2]
    lines += [
        '', f'{target.kind}(', f'    name = "{name}",',
        *_format_list('srcs', [os.path.relpath(target.srcs[0], folder)]),
        *_format_list(
            'deps', [dep.replace(f'//{folder}:', ':') for dep in target.deps]),
        ')']
  return lines


def _format_list(name, values):
  # Buildifier's order: this folder's, the others, then requirements.
  values = sorted(
      values, key=lambda value: (
          'requirement(' in value, not value.startswith(':'),
          value.replace(':', '!')))
  texts = [
      value if 'requirement(' in value else f'"{value}"' for value in values]
  if not texts:
    return []
  if len(texts) == 1:
    return [f'    {name} = [{texts[0]}],']
  return [f'    {name} = [', *(f'        {text},' for text in texts), '    ],']


def _write(root, folder, lines):
  path = os.path.join(root, folder, 'BUILD')
  with open(path, 'w', encoding='utf-8') as file:
    file.write(_HEADER + '\n'.join([*lines, '']))


if __name__ == '__main__':
  write_build_files()
