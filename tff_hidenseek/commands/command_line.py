"""What every command does alike: quiet logs, a user's mistake in one line.

Some commands do without TensorFlow: it is imported where a command starts it.
"""

import contextlib
import errno
import re
import sys
from typing import Callable, List, Sequence

from absl import app
from absl import flags
from absl import logging

from tff_hidenseek.commands import flag_files
from tff_hidenseek.commands import stopping

# What absl says of a flag that must be given and is not.
_NOT_GIVEN = re.compile(
    r'flag --(\w+)=None: Flag --\1 must have a value other than None\.'
)


@contextlib.contextmanager
def user_errors():
  """Turns the errors that a user can mend into one line and exit code 2."""
  try:
    yield
  except (ValueError, OSError, flags.Error) as error:
    stopping.wait_if_stopping()
    print('error:', *_describe(error).splitlines(), file=sys.stderr)
    sys.exit(2)


def _describe(error: Exception) -> str:
  """Returns what is said of an error that a user can mend."""
  if isinstance(error, flags.Error):
    return _NOT_GIVEN.sub(r'`\1` must be given.', str(error))
  if isinstance(error, OSError) and error.errno == errno.ENOSPC:
    place = f' in {error.filename}' if error.filename else ''
    return (
        f'There is no space left on the disk{place}. Make room and run the '
        'same command again; `train` goes on with --resume.'
    )
  return str(error)


def parse_flags(argv: Sequence[str]) -> List[str]:
  """Parses the flags of a command line; returns what is left of it."""
  arguments = ['--help' if text == '-h' else text for text in argv[1:]]
  with user_errors():
    return flags.FLAGS([argv[0], *flag_files.expand(arguments, flags.FLAGS)])


def run(
    main: Callable[[Sequence[str]], None], when_stopped: str = 'Stopped.'
) -> None:
  """Runs a command's `main` with the arguments that are not flags.

  Args:
    main: What the command does, given what is left of the command line.
    when_stopped: What is said after Ctrl-C or SIGTERM: what was kept, and how
      to go on.
  """
  stopping.watch(when_stopped)
  # An installed command is not the program that Python runs: --help shows the
  # flags of that one.
  for flag in flags.FLAGS.get_key_flags_for_module(main.__module__):
    flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
  app.run(main, flags_parser=parse_flags)


def check_arguments(argv: Sequence[str]) -> None:
  """Raises `ValueError` if absl leaves arguments that are not flags."""
  if len(argv) > 1:
    raise ValueError(
        f'Arguments must be flags --name=value, found {" ".join(argv[1:])}.'
    )


def start(argv: Sequence[str]) -> None:
  """Checks the arguments, and silences libraries' progress reports.

  GPUs, where there are any, are shared with other programs from here on.

  Args:
    argv: What absl leaves of the command line.

  Raises:
    ValueError: If there are arguments that are not flags.
  """
  check_arguments(argv)
  # pylint: disable=g-import-not-at-top
  import tensorflow as tf

  from tff_hidenseek.runtimes import devices

  logging.set_verbosity(logging.WARNING)
  tf.get_logger().setLevel('WARNING')
  devices.grow_gpu_memory()
