"""Checkpoints that survive a kill at any moment, a full disk and bad blocks.

They are `tff.program.FileProgramStateManager`'s, which writes beside the final
place and renames; a digest over the arrays, saved with them, tells a damaged
one, and then the one before is used.
"""

import asyncio
import hashlib
import os
import re
import shutil
from typing import Any, List, Optional, Tuple

from absl import logging
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff
import tree

_PREFIX = 'checkpoint_'
_NAME = re.compile(_PREFIX + '(0|[1-9][0-9]*)')


class CheckpointError(OSError):
  """A checkpoint could not be written."""


def _digest(leaves) -> np.ndarray:
  """Returns the SHA-256 over shapes, dtypes and bytes, `uint8[32]`."""
  sha256 = hashlib.sha256()
  for leaf in leaves:
    leaf = np.asarray(leaf)
    sha256.update(f'{leaf.dtype.str}{leaf.shape}'.encode())
    sha256.update(np.ascontiguousarray(leaf).tobytes())
  return np.frombuffer(sha256.digest(), np.uint8)


def folder(run_dir: str) -> str:
  """Returns the folder of a run's checkpoints."""
  return os.path.join(run_dir, 'checkpoints')


def newest_round(checkpoint_dir: str) -> Optional[int]:
  """Returns the round of the newest checkpoint; `None` where there is none."""
  return max(_list_rounds(checkpoint_dir), default=None)


def _list_rounds(checkpoint_dir: str) -> List[int]:
  """Returns the rounds of checkpoints; a name of another form is none's."""
  matches = map(_NAME.fullmatch, os.listdir(checkpoint_dir))
  return sorted(int(match[1]) for match in matches if match)


class CheckpointManager:
  """Saves and loads the state of a run by its round's number."""

  def __init__(self, checkpoint_dir: str, keep_total: int = 3):
    """Initializes the manager.

    Args:
      checkpoint_dir: The folder; it is made when missing. What an interrupted
        write left there is removed.
      keep_total: How many of the newest checkpoints are kept.

    Raises:
      NotADirectoryError: If it is a file.
    """
    self._dir = checkpoint_dir
    self._manager = tff.program.FileProgramStateManager(
        checkpoint_dir, prefix=_PREFIX, keep_total=keep_total, keep_first=False
    )
    if not os.path.isdir(checkpoint_dir):
      raise NotADirectoryError(
          f'{checkpoint_dir}: must be a folder of checkpoints, found a file.'
      )
    for entry in os.listdir(checkpoint_dir):
      if entry.startswith(_PREFIX) and '_temp' in entry:
        shutil.rmtree(os.path.join(checkpoint_dir, entry), ignore_errors=True)

  def save(self, round_num: int, state: Any) -> None:
    """Saves the state after a round.

    Args:
      round_num: How many rounds have been run.
      state: A nested structure of NumPy arrays and numbers.

    Raises:
      CheckpointError: If it cannot be written, as on a full disk; the
        checkpoints before it are untouched.
    """
    leaves = [np.asarray(leaf) for leaf in tree.flatten(state)]
    try:
      asyncio.run(
          self._manager.save([*leaves, _digest(leaves)], version=round_num)
      )
    except (OSError, tf.errors.OpError) as error:
      newest = newest_round(self._dir)
      kept = (
          f'the checkpoint of round {newest} is intact'
          if newest is not None
          else 'there is none before it'
      )
      raise CheckpointError(
          f'The checkpoint of round {round_num} could not be written to '
          f'{self._dir}; {kept}. Make room there and run again with --resume. '
          f'({type(error).__name__}: {str(error).splitlines()[0]})'
      ) from error

  def load_newest(self, structure: Any) -> Optional[Tuple[int, Any]]:
    """Loads the newest checkpoint that is whole.

    Args:
      structure: A structure like the saved one; its leaves do not matter.

    Returns:
      The round's number and the state, or `None` when there is none. A damaged
      checkpoint is named in a warning and set aside.
    """
    num_leaves = len(tree.flatten(structure)) + 1
    for round_num in reversed(_list_rounds(self._dir)):
      try:
        *leaves, digest = asyncio.run(
            self._manager.load(round_num, [None] * num_leaves)
        )
        if np.array_equal(digest, _digest(leaves)):
          return round_num, tree.unflatten_as(structure, leaves)
        reason = 'its digest differs'
      except Exception as error:  # pylint: disable=broad-except
        reason = f'{type(error).__name__}'
      path = os.path.join(self._dir, f'{_PREFIX}{round_num}')
      aside = os.path.join(self._dir, f'damaged_{_PREFIX}{round_num}')
      logging.warning(
          'The checkpoint %s is damaged (%s); using the one before it. It is '
          'kept as %s.', path, reason, aside
      )
      shutil.rmtree(aside, ignore_errors=True)
      os.rename(path, aside)
    return None
