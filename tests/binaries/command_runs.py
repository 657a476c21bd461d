"""Runs a command as from a shell, but in this process."""

import contextlib
import importlib
import io
import sys

from absl import flags
from absl.testing import flagsaver
import attrs

from tff_hidenseek.commands import command_line

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
  stdout, stderr, exit_code = io.StringIO(), io.StringIO(), 0
  with _imported_alone(
      f'binaries.{name}'
  ) as command, flagsaver.flagsaver(), contextlib.redirect_stdout(
      stdout
  ), contextlib.redirect_stderr(stderr):
    try:
      command.main(command_line.parse_flags([name, *arguments]))
    except SystemExit as error:
      exit_code = error.code
  return Outcome(exit_code, stdout.getvalue(), stderr.getvalue())


@contextlib.contextmanager
def _imported_alone(name):
  """Imports a command anew: two commands may have flags of the same name.

  Afterwards the flags are those of before, which other tests may need.
  """
  module_before, flags_before = sys.modules.pop(name, None), _remove_flags()
  try:
    yield importlib.import_module(name)
  finally:
    _remove_flags()
    for module, flag in flags_before:
      flags.FLAGS[flag.name] = flag
      flags.FLAGS.register_flag_by_module(module, flag)
    if module_before is not None:
      sys.modules[name] = module_before


def _remove_flags():
  """Removes the commands' flags; returns each with its module's name."""
  removed = [
      (module, flag)
      for module, defined in flags.FLAGS.flags_by_module_dict().items()
      if module.startswith(
          ('benchmarks.', 'binaries.', 'tff_hidenseek.commands.')
      )
      for flag in defined
  ]
  for _, flag in removed:
    delattr(flags.FLAGS, flag.name)
  return removed
