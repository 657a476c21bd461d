"""Rounds of secure aggregation without a network, for tests."""

import attrs
import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import masked_votes
from tff_hidenseek.on_device.secure_aggregation import participant

ROUND = 5
MODEL = 'ab' * 32


def pack(votes: np.ndarray) -> bytes:
  """Packs votes as they are sent."""
  return np.packbits(votes, bitorder='little').tobytes()


@attrs.define
class MaskedRound:
  """Clients and the server's side of one round.

  Attributes:
    votes: What each client votes, `uint8[n, K]` of 0 and 1.
    server: The server's side.
    participants: The clients' sides.
    answers: What the server was given: all that it knows.
  """

  votes: np.ndarray
  server: masked_votes.MaskedVotes
  participants: list
  answers: dict = attrs.field(factory=dict)

  def reply(self, step, client):
    return self.server.reply(ROUND, step, client, self.answers)

  def answer(self, step, client):
    """Returns what a client gives to a step."""
    mine = self.participants[client]
    if step == protocol.KEYS:
      return mine.keys()
    if step == protocol.SHARES:
      return mine.share(self.reply(protocol.KEYS, client))
    if step == protocol.MASKED_VOTE:
      return mine.mask(
          self.reply(protocol.SHARES, client), pack(self.votes[client])
      )
    return mine.unmask(self.reply(protocol.MASKED_VOTE, client))

  def run(self, dropped_at=None, until=protocol.UNMASKING):
    """Runs the steps; a client is silent from the step that is said of it."""
    dropped_at = dropped_at or {}
    clients = list(range(len(self.votes)))
    for step in protocol.SECURE_STEPS:
      clients = [c for c in clients if dropped_at.get(c) != step]
      given = {client: self.answer(step, client) for client in clients}
      for client, body in given.items():
        self.server.check(step, client, body, self.answers)
      self.answers[step] = given
      if step == until:
        return self
    return self

  def count(self):
    return self.server.count(ROUND, self.answers)


def make_round(votes: np.ndarray, threshold: int) -> MaskedRound:
  """Returns a round of so many clients as `votes` has rows."""
  num_clients, num_votes = votes.shape
  round_id = layout.RoundId(ROUND, MODEL, num_votes, threshold)
  return MaskedRound(
      votes,
      masked_votes.MaskedVotes(num_votes, MODEL, threshold),
      [participant.Participant(round_id, c) for c in range(num_clients)],
  )


def draw_votes(num_clients: int, num_votes: int, seed: int = 0) -> np.ndarray:
  """Draws votes, `uint8[n, K]` of 0 and 1."""
  rng = np.random.default_rng(seed)
  return rng.integers(0, 2, (num_clients, num_votes), np.uint8)
