"""Writes a file whole or not at all."""

import contextlib
import json
import os
import shutil
from typing import Any, Iterator, Mapping, Sequence

# What a killed program leaves behind is called so; it is never read.
UNFINISHED = 'unfinished.'


def write_atomically(path: str, content: bytes) -> None:
  """Writes a file that is never seen half written.

  Args:
    path: The file, which is replaced if it exists.
    content: All of its bytes.

  Raises:
    OSError: If it cannot be written, as on a full disk; what was there before
      stays.
  """
  with replace_when_whole(path) as unfinished:
    with open(unfinished, 'wb') as output:
      output.write(content)


def write_rows(path: str, rows: Sequence[Mapping[str, Any]]) -> None:
  """Writes a JSON list with a row a line, so that a change is a line of a diff.

  Args:
    path: The file, which is replaced if it exists.
    rows: What JSON can hold.

  Raises:
    ValueError: If a number is not finite.
  """
  lines = ',\n'.join(json.dumps(row, allow_nan=False) for row in rows)
  write_atomically(path, f'[\n{lines}\n]\n'.encode())


@contextlib.contextmanager
def replace_when_whole(path: str) -> Iterator[str]:
  """Gives a path to write to, which takes the place of another at the end.

  Args:
    path: The file or folder, which is replaced if it exists.

  Yields:
    The path to write the file or folder to: beside `path`, with its suffix, and
    free. If the block raises, what was written is removed and `path` is as it
    was.
  """
  folder, name = os.path.split(path)
  unfinished = os.path.join(folder, f'{UNFINISHED}{os.getpid()}.{name}')
  try:
    _remove(unfinished)
    yield unfinished
    if os.path.isdir(unfinished):
      _remove(path)  # A folder does not take the place of another.
    else:
      _wait_until_on_disk(unfinished)
    os.replace(unfinished, path)
  finally:
    _remove(unfinished)


def remove_unfinished(folder: str) -> None:
  """Removes what killed programs left, from a folder that none writes to."""
  for name in os.listdir(folder):
    if name.startswith(UNFINISHED):
      _remove(os.path.join(folder, name))


def _wait_until_on_disk(path: str) -> None:
  with open(path, 'rb') as file:
    os.fsync(file.fileno())


def _remove(path: str) -> None:
  if os.path.isdir(path):
    shutil.rmtree(path)
  elif os.path.exists(path):
    os.remove(path)
