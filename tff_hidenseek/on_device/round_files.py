"""What is on disk of a federation's rounds.

The state is that between two rounds; the journal holds what clients gave in the
open one. The state comes first when a round ends, so that no vote counts twice:
a journal of another round than the state's is nothing.
"""

import contextlib
import os
import struct
from typing import Iterator, Optional, Union

import attrs

from tff_hidenseek import files
from tff_hidenseek.on_device import journal as journal_lib

_JOURNAL_FILE = 'round.journal'
_STATE_FILE = 'rounds.state'
# The number of the open round, and how many before it were learned from.
_STATE_HEAD = struct.Struct('<II')
# A record of the journal: the round's number opens it; a step's index and a
# client's number are an answer, whose bytes follow; a step's index closes it.
_OPENS = struct.Struct('<cI')
_ANSWERS = struct.Struct('<cBH')
_CLOSES = struct.Struct('<cB')


@attrs.frozen
class Answer:
  """What a client gave to a step.

  Attributes:
    step: The step's index in the round.
    client: The client's number.
    body: What it gave.
  """

  step: int
  client: int
  body: bytes


class RoundFiles:
  """The state, and the journal of the open round.

  Attributes:
    number: The number of the open round, from 1.
    num_learned: How many rounds before it were learned from.
    learned: What was learned from them; `None` before the first round.
  """

  def __init__(self, folder: str):
    """Opens the files of a folder, or begins them.

    Args:
      folder: An existing folder, of this program alone.

    Raises:
      ValueError: If a file is damaged.
    """
    self._state_path = os.path.join(folder, _STATE_FILE)
    self.number, self.num_learned = 1, 0
    self.learned: Optional[bytes] = None
    if os.path.exists(self._state_path):
      with open(self._state_path, 'rb') as file:
        state = file.read()
      self.number, self.num_learned = _STATE_HEAD.unpack_from(state)
      self.learned = state[_STATE_HEAD.size :]
    self._journal = journal_lib.Journal(os.path.join(folder, _JOURNAL_FILE))
    self._begin_journal()

  def read(self) -> Iterator[Union[Answer, int]]:
    """Yields, as they happened, answers and the indices of closed steps."""
    for record in self._journal.records[1:]:
      if record[:1] == b'a':
        _, step, client = _ANSWERS.unpack_from(record)
        yield Answer(step, client, record[_ANSWERS.size :])
      else:
        yield _CLOSES.unpack(record)[1]

  def add_answer(self, answer: Answer) -> None:
    """Writes what a client gave; raises `OSError` if it is not on disk."""
    self._begin_journal()
    self._journal.append(
        _ANSWERS.pack(b'a', answer.step, answer.client) + answer.body
    )

  def add_close(self, step: int) -> None:
    """Writes that a step is closed; raises `OSError` if it is not on disk."""
    self._journal.append(_CLOSES.pack(b'c', step))

  def start_next(self, num_learned: int, learned: bytes) -> None:
    """Writes the state after the open round, whose answers are forgotten.

    Args:
      num_learned: How many rounds were learned from.
      learned: What was learned from them.

    Raises:
      OSError: If it is not on disk; the round is then still open.
    """
    files.write_atomically(
        self._state_path,
        _STATE_HEAD.pack(self.number + 1, num_learned) + learned,
    )
    self.number += 1
    self.num_learned = num_learned
    with contextlib.suppress(OSError):  # Tried again at the first answer.
      self._begin_journal()

  def close(self) -> None:
    """Closes the files."""
    self._journal.close()

  def _begin_journal(self):
    opening = _OPENS.pack(b'r', self.number)
    if self._journal.records[:1] != [opening]:
      self._journal.restart(opening)
