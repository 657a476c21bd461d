"""What every test needs before TensorFlow is imported."""

import contextlib
import glob
import os
import pathlib
import signal

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('MPLBACKEND', 'Agg')

# pylint: disable=wrong-import-position
from absl import flags
import hypothesis
import pytest

# Makes `import tensorflow_federated` work, which tests write first.
import tff_hidenseek  # noqa: F401

flags.FLAGS.mark_as_parsed()

# The same examples in every run, whatever the machine's speed.
hypothesis.settings.register_profile(
    'repeatable', deadline=None, derandomize=True)
hypothesis.settings.load_profile('repeatable')


def pytest_addoption(parser):
  parser.addoption(
      '--slow', action='store_true', help='also run tests marked slow')


def pytest_collection_modifyitems(config, items):
  if config.getoption('--slow'):
    return
  skip = pytest.mark.skip(reason='slow: run with --slow')
  for item in items:
    if item.get_closest_marker('slow'):
      item.add_marker(skip)


@pytest.fixture(scope='module', autouse=True)
def no_stock_worker():
  """Fails a module that used TFF's own context, whose worker never ends.

  The worker would hold the pipe open that the tests write to.
  """
  yield
  workers = _find_stock_workers()
  for pid in workers:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
  assert not workers, (
      'these tests ran computations without setting an execution context')


def _find_stock_workers():
  """Returns the ids of this process' children that TFF itself started."""
  workers = []
  for children in glob.glob('/proc/self/task/*/children'):
    # Threads and processes may end while they are read.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
      for pid in pathlib.Path(children).read_text().split():
        command = pathlib.Path(f'/proc/{pid}/cmdline').read_text()
        if 'executor_stacks' in command.split('\0')[0]:
          workers.append(int(pid))
  return workers
