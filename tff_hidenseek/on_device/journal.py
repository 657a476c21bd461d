"""A file to which records are added, each on disk before it counts."""

import os
import struct
from typing import List
import zlib

from tff_hidenseek import files

# The length of a record and the checksum of its bytes.
_HEAD = struct.Struct('<II')


class Journal:
  """Records that outlive the program, whenever it is killed.

  Attributes:
    records: Those in the file, in their order.
  """

  def __init__(self, path: str):
    """Opens a journal, or begins it.

    A record that was not wholly written when the program was killed is dropped:
    nobody was told that it counts.

    Args:
      path: The file; only its owner may read it.

    Raises:
      ValueError: If the file is damaged in another way.
    """
    self._path = path
    self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with open(path, 'rb') as file:
      content = file.read()
    self.records, whole_bytes = _parse(content, path)
    os.ftruncate(self._descriptor, whole_bytes)
    os.lseek(self._descriptor, 0, os.SEEK_END)
    os.fsync(self._descriptor)
    _sync_folder(path)

  def append(self, record: bytes) -> None:
    """Adds a record, which is not empty; on return it is on disk.

    Raises:
      OSError: If it cannot be written; the file is then as it was.
    """
    before = os.lseek(self._descriptor, 0, os.SEEK_CUR)
    try:
      data = _HEAD.pack(len(record), zlib.crc32(record)) + record
      if os.write(self._descriptor, data) != len(data):
        raise OSError(f'{self._path} could not be written to its end.')
      os.fsync(self._descriptor)
    except OSError:
      os.ftruncate(self._descriptor, before)
      os.lseek(self._descriptor, before, os.SEEK_SET)
      raise
    self.records.append(record)

  def restart(self, record: bytes) -> None:
    """Puts one record into the place of all others, at once."""
    head = _HEAD.pack(len(record), zlib.crc32(record))
    with files.replace_when_whole(self._path) as unfinished:
      descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT, 0o600)
      os.write(descriptor, head + record)
    _sync_folder(self._path)
    os.close(self._descriptor)
    self._descriptor = descriptor
    self.records = [record]

  def close(self) -> None:
    """Closes the file."""
    os.close(self._descriptor)


def _parse(content: bytes, path: str):
  """Returns the records, and how many bytes are whole."""
  records: List[bytes] = []
  start = 0
  while start < len(content):
    head = content[start : start + _HEAD.size]
    length, checksum = (
        _HEAD.unpack(head) if len(head) == _HEAD.size else (0, 0)
    )
    end = start + _HEAD.size + length
    record = content[start + _HEAD.size : end]
    if not length or len(record) < length or zlib.crc32(record) != checksum:
      if end < len(content) and any(content[start:]):
        raise ValueError(f'{path} is damaged: byte {start} begins no record.')
      break
    records.append(record)
    start = end
  return records, start


def _sync_folder(path):
  descriptor = os.open(os.path.dirname(path) or '.', os.O_RDONLY)
  try:
    os.fsync(descriptor)
  finally:
    os.close(descriptor)
