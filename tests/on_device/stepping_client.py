"""A client that takes the steps of a round one at a time, for tests."""

import numpy as np

from tests.on_device import counting_federation
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import participant


class SteppingClient:
  """Sends what it is told to of a round to a real server.

  Attributes:
    raw: What sends single requests.
    client: The number with which it has enrolled.
    round_num: The round that it takes part in.
    votes: What it votes in that round, `uint8[K]` of 0 and 1.
    participant: Its side of secure aggregation.
  """

  def __init__(self, url: str, index: int):
    self.raw = counting_federation.RawClient(url, index)
    self.client = self.raw.number
    self.round_num = 0

  def take(self) -> None:
    """Takes part in the next round."""
    answer = self.raw.get(f'/rounds/next?after={self.round_num}')
    assert answer.status == 200, answer
    description = self.raw.description
    self.round_num = int(answer.headers[protocol.ROUND_HEADER.lower()])
    self.votes = counting_federation.draw_votes(
        self.client, self.round_num, description.num_votes
    )
    self.participant = participant.Participant(
        layout.RoundId(
            self.round_num,
            description.model,
            description.num_votes,
            description.quorum,
        ),
        self.client,
    )

  def make(self, step: str) -> bytes:
    """Returns what this client gives to a step."""
    if step == protocol.VOTE:
      return counting_federation.pack(self.votes)
    if step == protocol.KEYS:
      return self.participant.keys()
    if step == protocol.SHARES:
      return self.participant.share(self.reply(protocol.KEYS))
    if step == protocol.MASKED_VOTE:
      return self.participant.mask(
          self.reply(protocol.SHARES), counting_federation.pack(self.votes)
      )
    return self.participant.unmask(self.reply(protocol.MASKED_VOTE))

  def reply(self, step: str) -> bytes:
    """Waits for what the server answers to a closed step."""
    while True:
      answer = self.raw.get(f'/rounds/{self.round_num}/{step}')
      if answer.status != 204:
        break
    assert answer.status == 200, answer
    return answer.body

  def put(self, step: str, body: bytes) -> connection_lib.Answer:
    """Sends what was made."""
    return self.raw.put(f'/rounds/{self.round_num}/{step}', body)

  def give(self, step: str) -> None:
    """Makes and sends what this client gives to a step."""
    answer = self.put(step, self.make(step))
    assert answer.status == 204, answer


def expected_totals(round_nums, clients) -> np.ndarray:
  """Returns how often each kept weight is voted +1 in whole rounds."""
  return sum(
      counting_federation.draw_votes(client, round_num).astype(np.int64)
      for client in clients
      for round_num in round_nums
  )
