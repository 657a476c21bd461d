"""Lets Keras 2 and TensorFlow Federated 0.87.0 run on TensorFlow 2.21.

TFF 0.87.0 is the newest release and was made for TensorFlow 2.14. Two things
keep it from being imported on a current one:

*   It builds on Keras 2, and `tf.keras` is Keras 3 there, unless
    TF_USE_LEGACY_KERAS is set before TensorFlow is imported: then it is the
    package tf-keras, which is Keras 2 for today's TensorFlow.
*   It imports JAX by a name that JAX dropped, Vizier, and tensorflow_privacy,
    whose own package file imports estimators that TensorFlow dropped. Nothing
    here computes with JAX or Vizier, and of tensorflow_privacy TFF uses the
    queries alone, which import by themselves.

So `prepare`, which the package runs when it is imported, chooses Keras 2 and
waits for the import of `tensorflow_federated`. While that runs, and only then,
`jax` and `vizier` are stand-ins that cost nothing, and that raise an error
when something is asked of them; a program that uses JAX itself gets its own
JAX. `tensorflow_privacy` becomes a package of its queries, and TFF sees of
`dp_accounting` the events alone. No installed file is changed.
"""

import abc
import atexit
import contextlib
import glob
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pathlib
import signal
import sys
import types
from typing import List
import warnings

_FEDERATED = 'tensorflow_federated'
_PRIVACY = 'tensorflow_privacy'
# What TFF imports of the two packages that it has no use for here.
_STAND_INS = (
    'jax', 'jax.lib', 'jax.lib.xla_client', 'jax.tree_util', 'vizier',
    'vizier.pyvizier', 'vizier.client', 'vizier.client.client_abc')
# TFF's checks of values call `warnings.catch_warnings` as of Python 3.11.
_DTYPES = 'tensorflow_federated.python.core.impl.types.dtype_utils'
# The names of tensorflow_privacy that TFF reads, and the module of each.
_QUERIES = {
    'DPQuery': 'dp_query',
    'DistributedDiscreteGaussianSumQuery':
        'distributed_discrete_gaussian_query',
    'DistributedSkellamSumQuery': 'distributed_skellam_query',
    'GaussianSumQuery': 'gaussian_query',
    'NoPrivacyQuantileEstimatorQuery': 'quantile_estimator_query',
    'NoPrivacySumQuery': 'no_privacy_query',
    'NormalizedQuery': 'normalized_query',
    'QAdaClipTreeResSumQuery': 'quantile_adaptive_clip_tree_query',
    'QuantileAdaptiveClipSumQuery': 'quantile_adaptive_clip_sum_query',
    'QuantileEstimatorQuery': 'quantile_estimator_query',
    'RestartQuery': 'restart_query',
    'SumAggregationDPQuery': 'dp_query',
    'TreeCumulativeSumQuery': 'tree_aggregation_query',
    'TreeRangeSumQuery': 'tree_range_query',
    'TreeResidualSumQuery': 'tree_aggregation_query',
    'restart_query': 'restart_query',
    'tree_aggregation': 'tree_aggregation',
}
# dp_accounting's own file imports a second's worth of SciPy.
_ACCOUNTING = 'dp_accounting'
_EVENTS = {
    name: 'dp_event' for name in (
        'ComposedDpEvent', 'DpEvent', 'GaussianDpEvent', 'NonPrivateDpEvent',
        'UnsupportedDpEvent')}


def prepare() -> None:
  """Chooses Keras 2, and makes `tensorflow_federated` ready to be imported.

  Imports neither TensorFlow nor TFF. Further calls do nothing.

  Raises:
    ImportError: If this program already uses Keras 3 as `tf.keras`.
  """
  os.environ['TF_USE_LEGACY_KERAS'] = '1'
  if 'tensorflow' in sys.modules:
    check_keras()
  watch_imports()


def check_keras() -> None:
  """Raises an ImportError where `tf.keras` is Keras 3; imports TensorFlow."""
  import tensorflow as tf  # pylint: disable=g-import-not-at-top

  found = tf.keras.layers.Layer.__module__.partition('.')[0]
  if found != 'tf_keras':
    raise ImportError(
        'tff_hidenseek needs `tf.keras` to be Keras 2 (the package tf_keras), '
        f'found the package {found}: import tff_hidenseek before `tf.keras` is '
        'used, or set TF_USE_LEGACY_KERAS=1 before TensorFlow is imported.'
    )


def watch_imports() -> None:
  """Makes the import of `tensorflow_federated` work, whoever imports it."""
  if not any(isinstance(finder, _FederatedFinder) for finder in sys.meta_path):
    sys.meta_path.insert(0, _FederatedFinder())


class _FederatedFinder(importlib.abc.MetaPathFinder):
  """Finds `tensorflow_federated` as others would, for a loader of ours."""

  def find_spec(self, name, path=None, target=None):
    if name != _FEDERATED:
      return None
    spec = importlib.machinery.PathFinder.find_spec(name, path, target)
    if spec is not None and spec.loader is not None:
      spec.loader = _FederatedLoader(spec.loader)
    return spec


class _FederatedLoader(importlib.abc.Loader):
  """Loads `tensorflow_federated` among stand-ins for what it does not need."""

  def __init__(self, loader):
    self._loader = loader

  def create_module(self, spec):
    return self._loader.create_module(spec)

  def exec_module(self, module):
    prepare()
    check_keras()
    if _PRIVACY not in sys.modules:
      sys.modules[_PRIVACY] = _build_part(
          _PRIVACY, f'{_PRIVACY}.privacy.dp_query', _QUERIES)
    stand_ins = _build_stand_ins()
    if _ACCOUNTING not in sys.modules:
      stand_ins[_ACCOUNTING] = _build_part(_ACCOUNTING, _ACCOUNTING, _EVENTS)
    found = {
        name: sys.modules.pop(name) for name in list(sys.modules)
        if name.partition('.')[0] in ('jax', 'vizier')}
    sys.modules.update(stand_ins)
    try:
      self._loader.exec_module(module)
    finally:
      for name in stand_ins:
        del sys.modules[name]
      sys.modules.update(found)
    atexit.register(_end_default_context, module.framework)
    if sys.version_info < (3, 11):
      dtypes = sys.modules[_DTYPES]
      dtypes.warnings = types.SimpleNamespace(catch_warnings=_catch_warnings)

  def __getattr__(self, name):
    """Leaves files, sources and resources to the loader that found them."""
    return getattr(self._loader, name)


class _StandIn(types.ModuleType):
  """A module that TFF may name in annotations and bases, and nobody may use.

  TFF names classes of these packages when it defines its own: every such name
  is one class that cannot be made.
  """

  def __init__(self, name):
    super().__init__(name)
    self.__path__ = []

  def __getattr__(self, name):
    if name.startswith('__'):
      raise AttributeError(name)
    value = type(name, (_Unavailable,), {'__module__': self.__name__})
    setattr(self, name, value)
    return value


class _RefusesUse(abc.ABCMeta):
  """The class of classes that raise an error when they are made or asked."""

  def __call__(cls, *args, **kwargs):
    raise ImportError(
        f'{cls.__module__}.{cls.__name__} is not available: tff_hidenseek '
        "imports TensorFlow Federated without JAX and Vizier, of which TFF "
        '0.87.0 needs releases that do not run beside TensorFlow 2.21.'
    )

  def __getattr__(cls, name):
    if name.startswith('__'):
      raise AttributeError(name)
    return cls()


class _Unavailable(metaclass=_RefusesUse):
  """Stands for a class or function of a package that is not loaded."""


def _build_stand_ins():
  """Returns the modules, by name, that are there only to be imported."""
  modules = {name: _StandIn(name) for name in _STAND_INS}
  for name, module in modules.items():
    package, _, last = name.rpartition('.')
    if package:
      setattr(modules[package], last, module)
  # TFF tells JAX of its own classes.
  trees = modules['jax.tree_util']
  trees.register_pytree_node_class = lambda cls: cls
  trees.register_pytree_node = lambda cls, flatten, unflatten: None
  return modules


def _build_part(package, parent, members):
  """Returns an installed package without what its own file imports.

  Args:
    package: Its name.
    parent: The full name of the package that holds the modules of `members`.
    members: For each name that it offers the module that defines it.

  Returns:
    A module that imports a member when it is used.

  Raises:
    ImportError: If the package is not installed.
  """
  spec = importlib.machinery.PathFinder.find_spec(package)
  if spec is None:
    raise ImportError(
        f'TensorFlow Federated needs the package {package}, which is not '
        'installed: install requirements.txt.'
    )
  part = types.ModuleType(package, f'The part of {package} that TFF uses.')
  part.__path__ = list(spec.submodule_search_locations)

  def import_member(name):
    if name not in members:
      raise AttributeError(
          f'module {package!r} has no attribute {name!r} here: tff_hidenseek '
          'loads only the part of it that TensorFlow Federated uses. Import '
          'the module that defines it, by its full name.'
      )
    module = importlib.import_module(f'{parent}.{members[name]}')
    value = module if members[name] == name else getattr(module, name)
    setattr(part, name, value)
    return value

  part.__getattr__ = import_member
  return part


def _end_default_context(framework):
  """Deletes TFF's own context, which ends the worker that it started.

  Left to the very end of a program that comes too late: the worker stays, or
  an error that nobody can mend is printed. It interrupts the worker and waits,
  for ever where the program was started with interrupts ignored, as a shell
  does in the background: so the worker is killed first.
  """
  for pid in find_stock_workers():
    os.kill(pid, signal.SIGKILL)

  class Ended(framework.SyncContext):

    def invoke(self, comp, arg):
      raise RuntimeError('The program is ending.')

  framework.set_default_context(Ended())


def find_stock_workers() -> List[int]:
  """Returns the ids of the workers that TFF's own context started."""
  workers = []
  for children in glob.glob('/proc/self/task/*/children'):
    # Threads and processes may end while they are read.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
      for pid in pathlib.Path(children).read_text().split():
        command = pathlib.Path(f'/proc/{pid}/cmdline').read_text()
        if 'executor_stacks' in command.split('\0')[0]:
          workers.append(int(pid))
  return workers


@contextlib.contextmanager
def _catch_warnings(action, category):
  """Is `warnings.catch_warnings` with the arguments that Python 3.11 added."""
  with warnings.catch_warnings():
    warnings.simplefilter(action, category)
    yield
