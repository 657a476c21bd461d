"""Bazel's targets: which there are, and what each one needs.

A room is one target, called like its folder: a folder of `tff_hidenseek` or
another one at the top, with all that lies below. What a target needs is what
its sources import.
"""

import collections
import os
import re
from typing import FrozenSet, List, Optional, Sequence, Tuple

import attrs

from tools import sources

# What the sources load without an import: `tf.keras` is tf-keras.
_LOADED = {'tff_hidenseek.tensorflow_stack': ('tf-keras',)}
# Endings of files that are in no checkout: `make web` fetches LiteRT.js.
_FETCHED = {'//tff_hidenseek/on_device': ('.gz',)}


@attrs.frozen
class Target:
  """One target.

  Attributes:
    label: Such as `//tff_hidenseek/layers`.
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


def build_targets(
    project: Optional[Sequence[sources.Source]] = None,
    root: str = sources.ROOT,
) -> List[Target]:
  """Returns the targets that sources make up.

  Args:
    project: The sources; all of the project's if it is None.
    root: The project's folder.

  Returns:
    The targets by their folder.
  """
  project = sources.read_sources(root) if project is None else project
  labels = {source.module: _find_label(source.path) for source in project}
  members = collections.defaultdict(list)
  for source in project:
    members[labels[source.module]].append(source)
  targets = [
      _build_target(label, members[label], labels, root) for label in members]
  return sorted(targets, key=lambda target: target.folder)


def find_requirement(distribution: str) -> str:
  """Returns the label of a package from the index."""
  return '@pip//' + re.sub('[-_.]+', '_', distribution).lower()


def _find_label(path):
  names = os.path.dirname(path).split('/')
  return '//' + '/'.join(names[:2 if names[0] == 'tff_hidenseek' else 1])


def _build_target(label, members, labels, root):
  folder = label[len('//'):]
  deps = frozenset().union(*(_find_deps(source, labels) for source in members))
  return Target(
      label, folder, tuple(source.path for source in members),
      programs=tuple(
          os.path.basename(source.path)[:-len('.py')] for source in members
          if source.is_program and folder != 'tests'),
      data=_find_data(root, label),
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
  endings.update(_FETCHED.get(label, ()))
  return tuple(sorted(endings - {'', '.py', '.pyc', '.bzl'}))
