"""Bazel's BUILD files: reading them, and what they must say.

Every folder of sources has a BUILD file with one target a source. The one in
the project's folder has a package group for each package: the packages that may
import it. A package from the index is `requirement("its-name")`.
"""

import ast
import os
from typing import Dict, FrozenSet, List, Tuple

import attrs

from tools import sources

_GROUP_PREFIX = 'users_of_'


@attrs.frozen
class Target:
  """One target, as it stands in a BUILD file or as it must stand there.

  Attributes:
    label: Such as `//tff_hidenseek/layers:sign_ops`.
    kind: `py_library`, `py_binary` or `py_test`.
    srcs: Paths from the project's folder.
    deps: Full labels, and requirements as `requirement("numpy")`.
  """

  label: str
  kind: str
  srcs: Tuple[str, ...]
  deps: FrozenSet[str]


@attrs.frozen
class BuildFile:
  """What one BUILD file says.

  Attributes:
    folder: From the project's folder; empty for the one there.
    targets: Its targets.
    visibility: The labels of its `package(default_visibility)`.
    groups: The packages of each of its package groups, by name.
  """

  folder: str
  targets: Tuple[Target, ...]
  visibility: Tuple[str, ...]
  groups: Dict[str, FrozenSet[str]]


def read_build_files(root: str = sources.ROOT) -> List[BuildFile]:
  """Reads the BUILD files of the project and of its folders of sources."""
  build_files = []
  for top in ('', 'tff_hidenseek', 'binaries', 'tests'):
    for folder, _, names in os.walk(os.path.join(root, top)):
      if 'BUILD' in names:
        path = os.path.join(folder, 'BUILD')
        with open(path, encoding='utf-8') as file:
          build_files.append(
              parse_build_file(
                  os.path.relpath(folder, root).strip('.'), file.read()))
      if not top:
        break
  return build_files


def parse_build_file(folder: str, text: str) -> BuildFile:
  """Parses a BUILD file.

  Args:
    folder: The file's folder, from the project's folder.
    text: What the file holds; BUILD files are Python's syntax.

  Returns:
    What it says.
  """
  targets, visibility, groups = [], (), {}
  for statement in ast.parse(text).body:
    if not (isinstance(statement, ast.Expr) and
            isinstance(statement.value, ast.Call)):
      continue  # A comment in quotes.
    call = statement.value
    said = {word.arg: _evaluate(word.value) for word in call.keywords}
    if call.func.id == 'package':
      visibility = tuple(said['default_visibility'])
    elif call.func.id == 'package_group':
      groups[said['name']] = frozenset(said['packages'])
    elif call.func.id.startswith('py_'):
      targets.append(Target(
          f'//{folder}:{said["name"]}', call.func.id,
          tuple(os.path.join(folder, src) for src in said['srcs']),
          frozenset(
              f'//{folder}{dep}' if dep.startswith(':') else dep
              for dep in said.get('deps', ()))))
  return BuildFile(folder, tuple(targets), visibility, groups)


def build_target(source: sources.Source) -> Target:
  """Returns the target that a source must have."""
  deps = set()
  for imported in source.imports:
    if sources.is_ours(imported.module):
      deps.add(find_label(imported.module))
    elif not sources.is_part_of_python(imported.module):
      top = imported.module.partition('.')[0]
      deps.add(f'requirement("{sources.DISTRIBUTIONS.get(top, top)}")')
  name = os.path.basename(source.path)
  if name.endswith('_test.py'):
    kind = 'py_test'
  elif source.is_program:
    kind = 'py_binary'
  else:
    kind = 'py_library'
  return Target(
      find_label(source.module), kind, (source.path,), frozenset(deps))


def find_label(module: str) -> str:
  """Returns the label of a module; a package's is its folder's own."""
  path = module.replace('.', '/')
  if os.path.isdir(os.path.join(sources.ROOT, path)):
    return f'//{path}:{os.path.basename(path)}'
  folder, name = os.path.split(path)
  return f'//{folder}:{name}'


def build_groups() -> Dict[str, FrozenSet[str]]:
  """Returns the package groups that the import arrows ask for."""
  allowed = sources.find_allowed()
  return {
      _GROUP_PREFIX + used: frozenset(
          [_bazel_package(user) for user in allowed if used in allowed[user]] +
          ['//tests/...'])
      for used in allowed}


def find_visibility(folder: str) -> Tuple[str, ...]:
  """Returns the default visibility that a folder's BUILD file must have."""
  if folder.split('/')[0] == 'tests':
    return ('//tests:__subpackages__',)
  return (f'//:{_GROUP_PREFIX}{os.path.basename(folder)}',)


def _bazel_package(package):
  if package in ('binaries', 'tff_hidenseek'):
    return f'//{package}'
  return f'//tff_hidenseek/{package}'


def _evaluate(node):
  """Returns a literal's value, with a call in it as its text."""
  if isinstance(node, ast.List):
    return [_evaluate(element) for element in node.elts]
  if isinstance(node, ast.Call):
    return ast.unparse(node).replace("'", '"')
  return ast.literal_eval(node)
