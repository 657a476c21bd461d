"""The project's source files, what each imports, and what it may import."""

import ast
import importlib.util
import os
import sys
from typing import Dict, FrozenSet, Iterator, List, Tuple

import attrs

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_TOP_PACKAGES = ('tff_hidenseek', 'binaries', 'benchmarks', 'tools', 'tests')

# From the bottom to the top: a package may import those before it.
_ORDER = (
    'tensorflow_stack', 'files', 'runtimes', 'layers', 'data', 'pruning',
    'models', 'learning', 'privacy', 'algorithms', 'ticket', 'export',
    'on_device', 'experiments', 'comparisons', 'commands')
_TFF_FREE = frozenset([
    'tensorflow_stack', 'files', 'layers', 'data', 'pruning', 'models',
    'ticket', 'export'])
_NEEDS_TFF = frozenset(['runtimes', 'learning', 'privacy', 'algorithms'])
_EXCLUDED = {
    # What executes a computation and what it says know nothing of each other.
    'learning': frozenset(['runtimes', 'data']),
    'privacy': frozenset(['runtimes', 'data']),
    'algorithms': frozenset(['runtimes', 'data']),
}

# What a package that is not part of Python is called when it is installed.
DISTRIBUTIONS = {
    'PIL': 'pillow',
    'absl': 'absl-py',
    'aiohttp': 'aiohttp',
    'ai_edge_litert': 'ai-edge-litert',
    'attrs': 'attrs',
    'constriction': 'constriction',
    'cryptography': 'cryptography',
    'dp_accounting': 'dp-accounting',
    'grpc': 'grpcio',
    'h5py': 'h5py',
    'hypothesis': 'hypothesis',
    'jinja2': 'jinja2',
    'matplotlib': 'matplotlib',
    'numpy': 'numpy',
    'portpicker': 'portpicker',
    'psutil': 'psutil',
    'pytest': 'pytest',
    'safetensors': 'safetensors',
    'sklearn': 'scikit-learn',
    'tabulate': 'tabulate',
    'tensorboard': 'tensorboard',
    'tensorflow': 'tensorflow-cpu',
    'tensorflow_federated': 'tensorflow-federated',
    'tensorflow_model_optimization': 'tensorflow-model-optimization',
    'tensorflow_privacy': 'tensorflow-privacy',
    'tqdm': 'tqdm',
    'tree': 'dm-tree',
}


@attrs.frozen
class Import:
  """One imported module.

  Attributes:
    module: Its full name. Of `from a import b` it is `a` if that is a module of
      the project, else `a.b`; a relative import keeps its dots.
    line: Where it is imported.
    is_lazy: Whether that is inside a function.
  """

  module: str
  line: int
  is_lazy: bool


@attrs.frozen
class Source:
  """One Python file.

  Attributes:
    path: From the project's folder, such as `tff_hidenseek/layers/x.py`.
    module: Such as `tff_hidenseek.layers.x`; a package is its `__init__.py`.
    imports: What it imports, in order.
    is_program: Whether it runs something under `__main__`.
  """

  path: str
  module: str
  imports: Tuple[Import, ...]
  is_program: bool

  @property
  def package(self) -> str:
    """The folder's dotted name."""
    return os.path.dirname(self.path).replace(os.sep, '.')


def read_sources(root: str = ROOT) -> List[Source]:
  """Reads every Python file of the project's three top packages."""
  paths = sorted(_iterate_paths(root))
  modules = frozenset(_module_name(path) for path in paths)
  return [_read_source(root, path, modules) for path in paths]


def may_import(user: str, used: str) -> bool:
  """Whether a module may import another one of the project.

  Args:
    user: The importing module's full name.
    used: The imported module's full name.

  Returns:
    Whether the arrow points down.
  """
  user, used = _layer(user), _layer(used)
  if user == used or user == 'tests':
    return True
  return used in find_allowed().get(user, frozenset())


def find_allowed() -> Dict[str, FrozenSet[str]]:
  """Returns, for every package but tests, the ones that it may import."""
  allowed = {}
  for i, package in enumerate(_ORDER):
    excluded = _EXCLUDED.get(package, frozenset())
    if package in _TFF_FREE:
      excluded |= _NEEDS_TFF
    allowed[package] = frozenset(_ORDER[:i]) - excluded
  allowed['runtimes'] = frozenset()
  # What the top package offers it imports by name when it is used.
  allowed['tff_hidenseek'] = frozenset(['tensorflow_stack'])
  allowed['benchmarks'] = frozenset(_ORDER) | {'tff_hidenseek'}
  # The GPU check is made of benchmarks.
  allowed['binaries'] = allowed['benchmarks'] | {'benchmarks'}
  allowed['tools'] = allowed['binaries']
  return allowed


def is_tff_free(module: str) -> bool:
  """Whether a module must work without TFF."""
  return _layer(module) in _TFF_FREE | {'tff_hidenseek'}


def is_part_of_python(module: str) -> bool:
  """Whether a module comes with Python."""
  top = module.partition('.')[0]
  if top in sys.builtin_module_names or top == '__future__':
    return True
  if top in DISTRIBUTIONS:
    return False
  spec = importlib.util.find_spec(top)
  return spec is not None and 'site-packages' not in str(spec.origin)


def is_ours(module: str) -> bool:
  """Whether a module is the project's own."""
  return module.partition('.')[0] in _TOP_PACKAGES


def _iterate_paths(root) -> Iterator[str]:
  for top in _TOP_PACKAGES:
    for folder, _, names in os.walk(os.path.join(root, top)):
      for name in names:
        if name.endswith('.py'):
          yield os.path.relpath(os.path.join(folder, name), root)


def _module_name(path):
  name = path[:-len('.py')].replace(os.sep, '.')
  return name[:-len('.__init__')] if name.endswith('.__init__') else name


def _read_source(root, path, modules):
  with open(os.path.join(root, path), encoding='utf-8') as file:
    tree = ast.parse(file.read(), path)
  return Source(
      path, _module_name(path), tuple(_iterate_imports(tree, modules, False)),
      any(_is_main_guard(node) for node in tree.body))


def _iterate_imports(node, modules, is_lazy):
  for child in ast.iter_child_nodes(node):
    if isinstance(child, ast.Import):
      for alias in child.names:
        yield Import(alias.name, child.lineno, is_lazy)
    elif isinstance(child, ast.ImportFrom):
      parent = '.' * child.level + (child.module or '')
      for alias in child.names:
        member = f'{parent}.{alias.name}'
        is_name_in_module = parent in modules and member not in modules
        yield Import(
            parent if is_name_in_module else member, child.lineno, is_lazy)
    else:
      is_function = isinstance(
          child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
      yield from _iterate_imports(child, modules, is_lazy or is_function)


def _is_main_guard(node):
  return isinstance(node, ast.If) and "'__main__'" in ast.unparse(node.test)


def _layer(module):
  """Returns `data` for `tff_hidenseek.data.x`, else the first name."""
  names = module.split('.')
  if names[0] == 'tff_hidenseek' and len(names) > 1:
    return names[1]
  return names[0]
