"""What every test needs before TensorFlow is imported."""

import os
import signal

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
os.environ.setdefault('MPLBACKEND', 'Agg')

# pylint: disable=wrong-import-position
from absl import flags
import hypothesis
import pytest

# Makes `import tensorflow_federated` work, which tests write first.
from tff_hidenseek import tensorflow_stack

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
  workers = tensorflow_stack.find_stock_workers()
  for pid in workers:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
  assert not workers, (
      'these tests ran computations without setting an execution context')

