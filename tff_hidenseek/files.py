"""Writes a file whole or not at all."""

import os


def write_atomically(path: str, content: bytes) -> None:
  """Writes a file that is never seen half written.

  Args:
    path: The file, which is replaced if it exists.
    content: All of its bytes.
  """
  unfinished = f'{path}.{os.getpid()}.tmp'
  try:
    with open(unfinished, 'wb') as output:
      output.write(content)
      output.flush()
      os.fsync(output.fileno())
    os.replace(unfinished, path)
  except BaseException:
    if os.path.exists(unfinished):
      os.remove(unfinished)
    raise
