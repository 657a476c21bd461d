"""Bazel's targets: which there are, and what each one needs.

A room is one target, called like its folder: a folder of `tff_hidenseek` or
another one at the top, with all that lies below. What a target needs is what
its sources import.
"""

import collections
import os
import re
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

import attrs

from tools import sources

# Modules that other rooms need before the rest of theirs: with `__init__` and
# what both import of the room they are a target of their own. The benchmarks
# are commands, and a command runs benchmarks.
_APART = {'binaries': 'command_line'}
# What the sources load without an import: `tf.keras` is tf-keras.
_LOADED = {'tff_hidenseek.tensorflow_stack': ('tf-keras',)}


@attrs.frozen
class Target:
  """One target.

  Attributes:
    label: Such as `//tff_hidenseek/layers`, or `//binaries:command_line`.
    folder: That of its BUILD file, from the project's folder.
    paths: Its sources, from the project's folder.
    programs: The names of those of its modules that run as programs.
    data: Endings of the other files that the room holds, such as `.html`.
    deps: Labels.
  """

  label: str
  folder: str
  paths: Tuple[str, ...]
  programs: Tuple[str, ...]
  data: Tuple[str, ...]
  deps: FrozenSet[str]

  @property
  def name(self) -> str:
    """What follows the label's colon; nothing if it has none."""
    return self.label.partition(':')[2]


def build_targets(
    project: Optional[Sequence[sources.Source]] = None,
    root: str = sources.ROOT,
) -> List[Target]:
  """Returns the targets that sources make up.

  Args:
    project: The sources; all of the project's if it is None.
    root: The project's folder.

  Returns:
    The targets by their folder, a part of a room before the rest of it.
  """
  project = sources.read_sources(root) if project is None else project
  labels = _find_labels({source.module: source for source in project})
  members = collections.defaultdict(list)
  for source in project:
    members[labels[source.module]].append(source)
  targets = [
      _build_target(label, members[label], labels, root) for label in members]
  return sorted(targets, key=lambda target: (target.folder, not target.name))


def find_requirement(distribution: str) -> str:
  """Returns the label of a package from the index."""
  return '@pip//' + re.sub('[-_.]+', '_', distribution).lower()


def _find_labels(project: Dict[str, sources.Source]) -> Dict[str, str]:
  """Returns the label of every module's target."""
  labels = {
      module: _find_label(source.path) for module, source in project.items()}
  for room, name in _APART.items():
    waiting = {room, f'{room}.{name}'} & project.keys()
    while waiting:
      module = waiting.pop()
      labels[module] = f'//{room}:{name}'
      waiting |= {
          imported.module for imported in project[module].imports
          if labels.get(imported.module) == f'//{room}'}
  return labels


def _find_label(path):
  names = os.path.dirname(path).split('/')
  return '//' + '/'.join(names[:2 if names[0] == 'tff_hidenseek' else 1])


def _build_target(label, members, labels, root):
  folder, _, name = label[len('//'):].partition(':')
  deps = frozenset().union(*(_find_deps(source, labels) for source in members))
  return Target(
      label, folder, tuple(source.path for source in members),
      programs=tuple(
          os.path.basename(source.path)[:-len('.py')] for source in members
          if source.is_program and folder != 'tests'),
      data=() if name else _find_data(root, label),
      deps=deps - {label})


def _find_deps(source, labels) -> FrozenSet[str]:
  """Returns what a source needs, maybe with its own target."""
  distributions = set(_LOADED.get(source.module, ()))
  ours = [source.module]
  for imported in source.imports:
    if sources.is_ours(imported.module):
      ours.append(imported.module)
    elif not sources.is_part_of_python(imported.module):
      top = imported.module.partition('.')[0]
      distributions.add(sources.DISTRIBUTIONS.get(top, top))
  deps = set(map(find_requirement, distributions))
  for module in ours:
    # Importing `a.b.c` runs `a` and `a.b` too.
    while module:
      deps |= {labels[module]} if module in labels else set()
      module = module.rpartition('.')[0]
  return frozenset(deps)


def _find_data(root, label):
  """Returns the endings of a room's files that are no sources."""
  endings = set()
  for parent, _, names in os.walk(os.path.join(root, label[len('//'):])):
    for name in names:
      path = os.path.relpath(os.path.join(parent, name), root)
      if _find_label(path) == label and not name.startswith('.'):
        endings.add(os.path.splitext(name)[1])
  return tuple(sorted(endings - {'', '.py', '.pyc', '.bzl'}))
