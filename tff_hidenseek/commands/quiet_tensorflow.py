"""Holds back what TensorFlow says of the processor while it is imported.

TensorFlow 2.21 says on some processors that it uses their instructions, before
it asks for the level of its log. Whatever else it says is printed.
"""

import contextlib
import importlib.abc
import importlib.machinery
import os
import re
import sys

_NOTICE = re.compile(
    rb'WARNING: All log messages before absl::InitializeLog\(\) is called'
    rb'|I0000 .* (port|cpu_feature_guard)\.cc:\d+\] '
    rb'|To enable the following instructions: '
)


def watch_import() -> None:
  """Makes the import of `tensorflow` quiet, whoever imports it.

  Imports nothing itself. Where TF_CPP_MIN_LOG_LEVEL asks for notices, they are
  printed.
  """
  level = os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  if level == '3' and sys.stderr is not None:
    sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
  """Finds `tensorflow` as others would, and wraps its execution."""

  def find_spec(self, name, path=None, target=None):
    if name != 'tensorflow':
      return None
    spec = importlib.machinery.PathFinder.find_spec(name, path, target)
    if spec is not None and spec.loader is not None:
      execute = spec.loader.exec_module

      def execute_quietly(module):
        with hold_back_notices():
          execute(module)

      spec.loader.exec_module = execute_quietly
    return spec


@contextlib.contextmanager
def hold_back_notices():
  """Keeps file descriptor 2 inside, then prints all but the notices."""
  with open(os.memfd_create('stderr'), 'w+b') as held:
    stderr = os.dup(2)
    os.dup2(held.fileno(), 2)
    try:
      yield
    finally:
      os.dup2(stderr, 2)
      os.close(stderr)
      held.seek(0)
      for line in held:
        if not _NOTICE.match(line):
          os.write(2, line)
