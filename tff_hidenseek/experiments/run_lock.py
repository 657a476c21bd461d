"""A folder that one program at a time writes to."""

import contextlib
import errno
import fcntl
import os
from typing import Iterator

from absl import logging


@contextlib.contextmanager
def hold(folder: str) -> Iterator[None]:
  """Makes a folder and keeps other programs out of it.

  The system lets go of the lock when the program ends, however it does.

  Args:
    folder: The folder.

  Raises:
    ValueError: If it cannot be made, or another program holds it.
  """
  try:
    os.makedirs(folder, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
  except OSError as error:
    raise ValueError(
        '`output_dir` must be a folder that can be made and written to, found '
        f'{folder} ({error.strerror}).'
    ) from error
  try:
    try:
      fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      raise ValueError(
          '`output_dir` must not be in use, found another program that writes '
          f'to {folder}.'
      ) from None
    except OSError as error:
      if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP):
        raise
      logging.warning(
          'The file system of %s has no locks: see to it that no other program '
          'writes there.', folder
      )
    yield
  finally:
    os.close(descriptor)
