"""Runs a command as from a shell, but in this process."""

import contextlib
import importlib
import io
import sys

from absl import flags
from absl.testing import flagsaver
import attrs

from binaries import command_line

# The linear model on the digits, four clients of 30 examples.
TINY_FLAGS = (
    '--model=linear',
    '--pruning_iterations=5',
    '--num_clients=4',
    '--clients_per_round=2',
    '--max_examples_per_client=30',
    '--batch_size=10',
    '--num_rounds=2',
    '--client_threads=2',
)


@attrs.frozen
class Outcome:
  """What a command left behind.

  Attributes:
    exit_code: 0 where `main` returned.
    stdout: What it printed.
    stderr: What it said besides.
  """

  exit_code: int
  stdout: str
  stderr: str


def run(name: str, *arguments: str) -> Outcome:
  """Runs `binaries.NAME` with these arguments."""
  command = _import_alone(f'binaries.{name}')
  stdout, stderr, exit_code = io.StringIO(), io.StringIO(), 0
  with flagsaver.flagsaver(), contextlib.redirect_stdout(
      stdout
  ), contextlib.redirect_stderr(stderr):
    try:
      command.main(command_line.parse_flags([name, *arguments]))
    except SystemExit as error:
      exit_code = error.code
  return Outcome(exit_code, stdout.getvalue(), stderr.getvalue())


def _import_alone(name):
  """Imports a command anew: two commands may have flags of the same name."""
  for module, defined in flags.FLAGS.flags_by_module_dict().items():
    if module.startswith('binaries.'):
      for flag in list(defined):
        delattr(flags.FLAGS, flag.name)
  sys.modules.pop(name, None)
  return importlib.import_module(name)
