"""How a round has ended."""

import attrs


@attrs.frozen
class RoundResult:
  """What came of a round.

  Attributes:
    number: The number of the round.
    num_votes: How many clients' votes were learned from.
    bytes_down: Bytes that a client was sent.
    bytes_up: Bytes that a client gave.
    failure: Why nothing was learned from the round; empty if something was.
  """

  number: int
  num_votes: int = 0
  bytes_down: int = 0
  bytes_up: int = 0
  failure: str = ''

  @property
  def sentence(self) -> str:
    """What a person is told of it."""
    if self.failure:
      return f'round {self.number}: nothing learned, {self.failure}.'
    return (
        f'round {self.number}: {self.bytes_down} bytes down and '
        f'{self.bytes_up} up, a client; {self.num_votes} votes'
    )
