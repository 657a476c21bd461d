"""What an onlooker may know of a federation: rounds, accuracy, who is there."""

import concurrent.futures
import json
import logging
import os
import time
from typing import Any, Callable, Dict, List

from tff_hidenseek import files
from tff_hidenseek.on_device import round_result

_LOG = logging.getLogger(__name__)
# Longer than a client keeps still while it waits for a round.
_PRESENT_SECONDS = 30.0


class Watch:
  """The rounds until now, of which nothing but counts is kept.

  The accuracy is that of the global model after the round, and comes a little
  later, from a thread of its own.
  """

  def __init__(
      self,
      path: str,
      global_votes: Callable[[], bytes],
      evaluate: Callable[[bytes], float],
      now: Callable[[], float] = time.monotonic,
  ):
    """Reads what was seen before a restart.

    Args:
      path: A JSON file, which is written after each round.
      global_votes: Returns the packed signs of the global model.
      evaluate: Returns the accuracy of the model of such signs.
      now: Returns seconds.
    """
    self._path = path
    self._global_votes = global_votes
    self._evaluate = evaluate
    self._now = now
    self._seen: Dict[int, float] = {}
    self._rounds: List[Dict[str, Any]] = []
    if os.path.exists(path):
      with open(path, encoding='utf-8') as file:
        self._rounds = json.load(file)
    self._evaluator = concurrent.futures.ThreadPoolExecutor(1)

  @property
  def rounds(self) -> List[Dict[str, Any]]:
    """The rounds that ended, the first one first, as JSON can hold them.

    Each has its `number`, how many `votes` were learned from, the bytes `down`
    and `up` of a client, and the `accuracy`, which is `None` until it is known.
    """
    return self._rounds

  @property
  def num_present(self) -> int:
    """How many clients were heard of lately."""
    since = self._now() - _PRESENT_SECONDS
    return sum(seen >= since for seen in self._seen.values())

  def see(self, client: int) -> None:
    """Notes that a client has asked for something."""
    self._seen[client] = self._now()

  def add(self, result: round_result.RoundResult) -> None:
    """Adds a round that has ended."""
    entry: Dict[str, Any] = dict(
        number=result.number,
        votes=result.num_votes,
        down=result.bytes_down,
        up=result.bytes_up,
        accuracy=None,
    )
    self._rounds = [*self._rounds, entry]
    self._evaluator.submit(self._finish, entry, self._global_votes())

  def _finish(self, entry, votes):
    entry['accuracy'] = self._evaluate(votes)
    try:
      files.write_atomically(self._path, json.dumps(self._rounds).encode())
    except OSError as error:  # The next round tries again.
      _LOG.error('The rounds that pages show are not on disk: %s', error)

  def close(self) -> None:
    """Waits until what was added is written."""
    self._evaluator.shutdown()
