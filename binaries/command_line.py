"""What every command does alike: quiet logs, and a user's mistake in one line."""

import contextlib
import sys
from typing import Sequence

from absl import logging
import tensorflow as tf

from tff_hidenseek.experiments import checkpoints


@contextlib.contextmanager
def user_errors():
  """Turns the errors that a user can mend into one line and exit code 2."""
  try:
    yield
  except (ValueError, OSError, checkpoints.CheckpointError) as error:
    print(f'error: {error}', file=sys.stderr)
    sys.exit(2)


def start(argv: Sequence[str]) -> None:
  """Silences libraries' progress reports and checks the arguments.

  Args:
    argv: What absl leaves of the command line.

  Raises:
    ValueError: If there are arguments that are not flags.
  """
  if len(argv) > 1:
    raise ValueError(
        f'Arguments must be flags --name=value, found {" ".join(argv[1:])}.'
    )
  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel('WARNING')
