"""How the votes of a round are collected: openly, or masked."""

import abc
from typing import Dict, Mapping, Tuple

import numpy as np

from tff_hidenseek.on_device import protocol

# What clients gave: by step, by client.
Answers = Mapping[str, Mapping[int, bytes]]


class RoundFailed(Exception):
  """A round whose votes cannot be summed; the sentence says why."""


class VoteCollection(abc.ABC):
  """What the steps of a round are, and what comes of them.

  Attributes:
    steps: Their names, in their order.
  """

  steps: Tuple[str, ...]

  @abc.abstractmethod
  def check(
      self, step: str, client: int, body: bytes, answers: Answers
  ) -> None:
    """Checks what a client gives to a step.

    Args:
      step: The step, which is open.
      client: The client's number.
      body: What it gives.
      answers: What was given to the steps before.

    Raises:
      protocol.Refusal: If it cannot be that.
    """

  @abc.abstractmethod
  def reply(
      self, round_num: int, step: str, client: int, answers: Answers
  ) -> bytes:
    """Returns what a client needs of a closed step to answer the next one."""

  @abc.abstractmethod
  def count(self, round_num: int, answers: Answers) -> Tuple[np.ndarray, int]:
    """Counts the votes, once all steps are closed.

    Args:
      round_num: The number of the round.
      answers: What was given.

    Returns:
      How many clients voted +1, `int64[K]`, and how many voted.

    Raises:
      RoundFailed: If what was given does not belong together.
    """

  def count_bytes(self, round_num: int, answers: Answers) -> Tuple[int, int]:
    """Returns the bytes that a client gave in all steps, and was replied."""
    *before, last = self.steps
    client = min(answers[last])
    up = sum(len(answers[step][client]) for step in self.steps)
    down = sum(
        len(self.reply(round_num, step, client, answers)) for step in before
    )
    return up, down


class PlainVotes(VoteCollection):
  """One step: the server sees who voted what."""

  steps = protocol.PLAIN_STEPS

  def __init__(self, num_votes: int):
    """Initializes the collection.

    Args:
      num_votes: How many votes a client casts, K.
    """
    self._num_votes = num_votes

  def check(self, step, client, body, answers):
    """Checks the length of the packed votes."""
    check_length(body, protocol.num_vote_bytes(self._num_votes), 'A vote')

  def reply(self, round_num, step, client, answers):
    """Is never called: no step comes after the votes."""
    raise NotImplementedError

  def count(self, round_num, answers):
    """Counts the packed votes."""
    votes: Dict[int, bytes] = dict(answers[protocol.VOTE])
    num_ones = np.zeros(self._num_votes, np.int64)
    for packed in votes.values():
      num_ones += np.unpackbits(
          np.frombuffer(packed, np.uint8),
          count=self._num_votes,
          bitorder='little',
      )
    return num_ones, len(votes)


def check_length(body: bytes, num_bytes: int, what: str) -> None:
  """Raises `protocol.Refusal` if a body has another length."""
  if len(body) != num_bytes:
    raise protocol.Refusal(
        400, f'{what} of this round has {num_bytes} bytes, found {len(body)}.'
    )
