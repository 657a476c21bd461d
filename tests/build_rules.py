"""What Bazel makes of the BUILD files, without Bazel.

BUILD and .bzl files are Python's syntax, so that Python runs them with the few
functions of Bazel that they call.
"""

import fnmatch
import os
from typing import FrozenSet, List, Sequence

import attrs

from tools import sources


@attrs.frozen
class Rule:
  """One target.

  Attributes:
    kind: Such as `py_library`.
    label: With the target's name, such as `//tff_hidenseek/data:data`.
    srcs: Paths from the project's folder.
    deps: Labels, with the targets' names.
  """

  kind: str
  label: str
  srcs: FrozenSet[str]
  deps: FrozenSet[str]


def read_rules(root: str = sources.ROOT) -> List[Rule]:
  """Returns the targets of all BUILD files below a folder's own."""
  rules = []
  for path in find_build_files(root):
    rules += _read_folder(root, os.path.dirname(path))
  return rules


def find_build_files(root: str = sources.ROOT) -> List[str]:
  """Returns the paths of the BUILD files in folders that are not hidden."""
  paths = []
  for folder, folders, names in os.walk(root):
    folders[:] = sorted(
        name for name in folders if not name.startswith('.') and
        name not in ('runs', 'dist', 'build'))
    if 'BUILD' in names and folder != root:
      paths.append(os.path.relpath(os.path.join(folder, 'BUILD'), root))
  return paths


class _Native:
  """Bazel's `native`, for one folder."""

  def __init__(self, root, folder):
    self._root = root
    self._folder = folder

  def package_name(self) -> str:
    return self._folder

  def glob(
      self,
      include: Sequence[str],
      exclude: Sequence[str] = (),
      allow_empty: bool = False,
  ) -> List[str]:
    """Returns the files below that no folder with a BUILD file has."""
    found = []
    top = os.path.join(self._root, self._folder)
    for folder, folders, names in os.walk(top):
      folders[:] = [
          name for name in folders
          if not os.path.exists(os.path.join(folder, name, 'BUILD'))]
      found += [
          os.path.relpath(os.path.join(folder, name), top) for name in names]
    found = [
        path for path in found
        if _matches(path, include) and not _matches(path, exclude)]
    if not found and not allow_empty:
      raise ValueError(f'{self._folder}: glob({include}) finds nothing.')
    return sorted(found)


def _matches(path, patterns):
  return any(_match(path, pattern) for pattern in patterns)


def _match(path, pattern):
  """Whether a path is of a pattern; `**/` may be at its start or within."""
  folder, has_stars, name = pattern.rpartition('**/')
  if not has_stars:
    return '/' not in path and fnmatch.fnmatchcase(path, pattern)
  return path.startswith(folder) and fnmatch.fnmatchcase(
      os.path.basename(path), name)


def _read_folder(root, folder):
  rules = []

  def _make(kind):
    def _add(name, srcs=(), deps=(), **_):
      rules.append(Rule(
          kind, f'//{folder}:{name}',
          frozenset(os.path.join(folder, src) for src in srcs),
          frozenset(_complete(dep, folder) for dep in deps)))
    return _add

  names = {kind: _make(kind) for kind in ('py_binary', 'py_library', 'py_test')}
  names.update(native=_Native(root, folder), load=lambda *_: None)
  for path in ('tools/python.bzl', os.path.join(folder, 'BUILD')):
    with open(os.path.join(root, path), encoding='utf-8') as file:
      exec(compile(file.read(), path, 'exec'), names)  # pylint: disable=exec-used
  return rules


def _complete(label, folder):
  if label.startswith(':'):
    return f'//{folder}{label}'
  return label if ':' in label else f'{label}:{os.path.basename(label)}'
