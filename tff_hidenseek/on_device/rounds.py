"""The rounds of a federation, of which no kill of the server loses a vote.

A round is a few steps. To each step a client gives one body, which is on disk
before the client is told so. A step is closed, on disk too, before anybody is
told who is in it: so it has the same clients after a restart.
"""

import time
from typing import Callable, Dict, Optional, Protocol, Set

import attrs
import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import round_files
from tff_hidenseek.on_device import round_result
from tff_hidenseek.on_device import vote_collection


class Learner(Protocol):
  """What learns from the sums of votes."""

  def message(self) -> bytes:
    """Returns what clients are sent at the start of a round."""

  def learn(self, num_ones: np.ndarray, num_clients: int) -> None:
    """Learns from a round.

    Args:
      num_ones: How many clients voted +1, `int64[K]`.
      num_clients: How many clients voted.
    """

  def to_bytes(self) -> bytes:
    """Returns all that was learned."""

  def restore(self, content: bytes) -> None:
    """Undoes `to_bytes`."""


@attrs.frozen
class RoundRules:
  """When rounds and their steps end.

  Attributes:
    num_clients: How many clients may take part.
    quorum: With how many answers a step that is out of time is closed; with
      fewer, the round ends and nothing is learned.
    num_rounds: How many rounds are learned from.
    round_seconds: How long a step waits for answers.
  """

  num_clients: int
  quorum: int
  num_rounds: int
  round_seconds: float


class Rounds:
  """The open round, and what is done when it ends.

  Attributes:
    message: What a client is sent at the start of the open round.
  """

  def __init__(
      self,
      folder: str,
      learner: Learner,
      collection: vote_collection.VoteCollection,
      rules: RoundRules,
      tell: Callable[[round_result.RoundResult], None] = lambda result: None,
      now: Callable[[], float] = time.monotonic,
  ):
    """Goes on with the rounds of a folder, or begins them.

    Args:
      folder: An existing folder, of this program alone.
      learner: What learns; its state becomes that of the folder.
      collection: How votes are collected.
      rules: When rounds end.
      tell: Told how each round ended, once that is on disk.
      now: Returns seconds.

    Raises:
      ValueError: If a file in the folder is damaged.
    """
    self._learner = learner
    self._collection = collection
    self._rules = rules
    self._tell = tell
    self._now = now
    # Why rounds ended that nothing was learned from.
    self._ended_in_vain: Dict[int, str] = {}
    # Those that a round does not end without while it is in time.
    self._awaited: Set[int] = set(range(rules.num_clients))
    self._files = round_files.RoundFiles(folder)
    if self._files.learned is not None:
      learner.restore(self._files.learned)
    self._open()
    for event in self._files.read():
      if isinstance(event, round_files.Answer):
        self._apply(event)
      else:
        self._num_closed = event + 1
    self._restart_clock(bool(any(self._answers.values())))
    self.tick()

  @property
  def number(self) -> int:
    """The number of the open round; one without a result counts too."""
    return self._files.number

  @property
  def num_learned(self) -> int:
    """How many rounds were learned from."""
    return self._files.num_learned

  @property
  def is_over(self) -> bool:
    """Whether all rounds were learned from."""
    return self.num_learned >= self._rules.num_rounds

  @property
  def step(self) -> str:
    """The step that is open."""
    return self._collection.steps[self._num_closed]

  def take(self, client: int) -> None:
    """Notes that a client was sent the message of the open round."""
    self._awaited.add(client)
    if self._deadline is None:
      self._restart_clock(True)

  def is_closed(self, number: int, step: str) -> bool:
    """Whether a step is closed, also because its round has ended."""
    index = self._collection.steps.index(step)
    return number != self.number or self.is_over or index < self._num_closed

  def give(self, client: int, number: int, step: str, body: bytes) -> None:
    """Takes a client's answer to a step; on return it is on disk.

    Args:
      client: The client's number.
      number: The number of the round that it means.
      step: The step.
      body: The answer. The same answer may be given again.

    Raises:
      protocol.Refusal: If it is of another round, step or length, or the client
        gave another one.
    """
    self.tick()  # What comes too late is late, though nobody has looked.
    self._check_round(number)
    index = self._collection.steps.index(step)
    if client in self._answers[step]:
      if self._answers[step][client] != body:
        raise protocol.Refusal(
            409, f'Client {client} gave another {step} in round {number}.'
        )
      return
    if index != self._num_closed:
      state = 'closed' if index < self._num_closed else 'not open yet'
      raise protocol.Refusal(
          409, f'The step {step} of round {number} is {state}.'
      )
    self._check_membership(client, index)
    self._collection.check(step, client, body, self._answers)
    answer = round_files.Answer(index, client, body)
    self._files.add_answer(answer)
    self._apply(answer)
    self.tick()

  def reply(self, client: int, number: int, step: str) -> bytes:
    """Returns what a client needs of a closed step.

    Args:
      client: The client's number.
      number: The number of the round that it means.
      step: The step; not the last one.

    Raises:
      protocol.Refusal: If the round has ended, or the client is not in the
        step.
    """
    self._check_round(number)
    self._check_membership(client, self._collection.steps.index(step) + 1)
    return self._collection.reply(number, step, client, self._answers)

  def seconds_left(self) -> Optional[float]:
    """Returns the seconds until `tick` must be called, or `None`."""
    if self._deadline is None or self.is_over:
      return None
    return max(0.0, self._deadline - self._now())

  def tick(self) -> None:
    """Closes the step, and ends the round, if their time has come."""
    while not self.is_over:
      given = self._answers[self.step]
      is_enough = len(given) >= self._rules.quorum
      is_late = self._deadline is not None and self._now() >= self._deadline
      if is_enough and (is_late or self._expected() <= set(given)):
        self._close()
      elif is_late:
        self._end_in_vain(
            f'{len(given)} of at least {self._rules.quorum} clients gave their '
            f'{self.step} within {self._rules.round_seconds:g} seconds'
        )
      else:
        return

  def close_files(self) -> None:
    """Closes the files."""
    self._files.close()

  def _expected(self) -> Set[int]:
    if not self._num_closed:
      return self._awaited
    return set(self._answers[self._collection.steps[self._num_closed - 1]])

  def _close(self):
    if self.step != self._collection.steps[-1]:
      self._files.add_close(self._num_closed)
      self._num_closed += 1
      self._restart_clock(True)
      return
    # Nobody is told of the last step before the state is on disk: until then a
    # restart may find more answers, and counts them.
    try:
      num_ones, num_clients = self._collection.count(self.number, self._answers)
    except vote_collection.RoundFailed as error:
      self._end_in_vain(str(error))
      return
    up, down = self._collection.count_bytes(self.number, self._answers)
    down += len(self.message)
    before = self._learner.to_bytes()
    try:
      self._learner.learn(num_ones, num_clients)
      self._start_next(
          round_result.RoundResult(self.number, num_clients, down, up)
      )
    except Exception:  # Else it would have learned twice, the next time.
      self._learner.restore(before)
      raise

  def _end_in_vain(self, reason):
    self._ended_in_vain[self.number] = (
        f'Round {self.number} has ended: {reason}.'
    )
    self._start_next(
        round_result.RoundResult(self.number, failure=reason)
    )

  def _start_next(self, result: round_result.RoundResult) -> None:
    self._files.start_next(
        self.num_learned + (not result.failure), self._learner.to_bytes()
    )
    self._awaited = set(self._answers[self._collection.steps[0]])
    self._open()
    self._tell(result)

  def _open(self):
    self._num_closed = 0
    self._answers: Dict[str, Dict[int, bytes]] = {
        step: {} for step in self._collection.steps
    }
    self._restart_clock(False)
    self.message = self._learner.message()

  def _apply(self, answer: round_files.Answer) -> None:
    step = self._collection.steps[answer.step]
    self._answers[step][answer.client] = answer.body

  def _restart_clock(self, is_running: bool) -> None:
    self._deadline = (
        self._now() + self._rules.round_seconds if is_running else None
    )

  def _check_round(self, number):
    if self.is_over:
      raise protocol.Refusal(
          410, f'The federation has ended after {self.num_learned} rounds.'
      )
    if number in self._ended_in_vain:
      raise protocol.Refusal(409, self._ended_in_vain[number])
    if number != self.number:
      raise protocol.Refusal(
          409, f'The open round is {self.number}, found round {number}.'
      )

  def _check_membership(self, client, index):
    if not index:
      return
    before = self._collection.steps[index - 1]
    if client not in self._answers[before]:
      raise protocol.Refusal(
          409,
          f'Client {client} is not in round {self.number}: it gave no {before} '
          'in time.',
      )
