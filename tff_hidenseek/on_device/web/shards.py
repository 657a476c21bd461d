"""The examples that pages are given, each shard to one client for ever."""

import struct
from typing import Callable, Dict, Sequence, Tuple

import numpy as np

from tff_hidenseek.on_device import journal as journal_lib
from tff_hidenseek.on_device import protocol

# From a shard's number to its images, float32[n, height, width, channels] in
# [0, 1], and labels, int32[n].
ReadShard = Callable[[int], Tuple[np.ndarray, np.ndarray]]
_CLIENT = struct.Struct('<H')
# How many examples there are, and the height, width and channels of each.
_HEAD = struct.Struct('<IIII')


class Shards:
  """Gives a shard to each client that asks, in the order in which they ask."""

  def __init__(self, path: str, indices: Sequence[int], read: ReadShard):
    """Opens the list of who has which, or begins it.

    Args:
      path: The file of the list.
      indices: The numbers of the shards to give, in their order.
      read: Reads a shard.
    """
    self._indices = indices
    self._read = read
    self._journal = journal_lib.Journal(path)
    self._places: Dict[int, int] = {
        _CLIENT.unpack(record)[0]: place
        for place, record in enumerate(self._journal.records)
    }

  def give(self, client: int) -> bytes:
    """Returns a client's shard, which is the same whenever it asks.

    Args:
      client: The client's number.

    Returns:
      How many examples there are, their height, width and channels (four
      numbers of four bytes), the labels as int32 and the images as float32, all
      with the lower bytes first.

    Raises:
      protocol.Refusal: If all shards are given.
    """
    if client not in self._places:
      place = len(self._places)
      if place >= len(self._indices):
        raise protocol.Refusal(
            404,
            f'All {len(self._indices)} shards of examples are given: bring '
            'examples of your own.',
        )
      self._journal.append(_CLIENT.pack(client))
      self._places[client] = place
    x, y = self._read(self._indices[self._places[client]])
    return (
        _HEAD.pack(*x.shape)
        + y.astype('<i4').tobytes()
        + x.astype('<f4').tobytes()
    )

  def close(self) -> None:
    """Closes the file of the list."""
    self._journal.close()
