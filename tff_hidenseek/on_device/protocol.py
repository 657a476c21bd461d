"""What the device server and its clients say to each other, over HTTP.

docs/on_device.md lists the requests. Every body is bytes of a length that both
sides know, or JSON; every refusal is one plain sentence. Nothing here imports
TensorFlow.
"""

import json
from typing import Dict, Iterable, Iterator, List, Tuple

import attrs

VERSION = 1
PREFIX = f'/v{VERSION}'
ROUND_HEADER = 'HideNseek-Round'
MODEL_HEADER = 'HideNseek-Model'
# A client draws its secret itself, so that enrolling twice is enrolling once.
SECRET_BYTES = 32
# The steps of a round: each client gives one body to each of them.
VOTE = 'vote'
KEYS = 'keys'
SHARES = 'shares'
MASKED_VOTE = 'masked_vote'
UNMASKING = 'unmasking'
PLAIN_STEPS = (VOTE,)
SECURE_STEPS = (KEYS, SHARES, MASKED_VOTE, UNMASKING)
_NUMBER_BYTES = 2
# What a client sends for each other one, in the steps of shares, at most.
_MAX_SHARE_BYTES = 128
MAX_CLIENTS = 256**_NUMBER_BYTES - 1


class Refusal(Exception):
  """A request that the server does not carry out.

  Attributes:
    status: The HTTP status, 400 to 499.
    sentence: Why, for a person to read.
  """

  def __init__(self, status: int, sentence: str):
    """Initializes the refusal."""
    super().__init__(sentence)
    self.status = status
    self.sentence = sentence


@attrs.frozen
class Description:
  """What a client must know of a federation before its first round.

  Attributes:
    model: SHA-256 of the trainable TFLite file, in hexadecimal.
    num_votes: How many votes a client casts, K.
    num_clients: How many clients may enrol.
    quorum: How many clients a round needs, and the threshold of the shares.
    num_rounds: How many rounds the federation learns from.
    secure_aggregation: Whether votes are masked.
    learning_rate: Step size of the clients.
    num_epochs: Epochs over a client's examples in a round.
    version: The version of the protocol.
  """

  model: str
  num_votes: int
  num_clients: int
  quorum: int
  num_rounds: int
  secure_aggregation: bool
  learning_rate: float
  num_epochs: int
  version: int = VERSION

  @property
  def steps(self) -> Tuple[str, ...]:
    """The steps of a round, in their order."""
    return SECURE_STEPS if self.secure_aggregation else PLAIN_STEPS

  @property
  def max_body_bytes(self) -> int:
    """How many bytes a client's longest body may have."""
    if not self.secure_aggregation:
      return num_vote_bytes(self.num_votes)
    bits = self.num_clients.bit_length()
    shares = _MAX_SHARE_BYTES * self.num_clients
    return max(num_vote_bytes(self.num_votes, bits), shares)


def write_description(description: Description) -> bytes:
  """Returns a description as JSON."""
  return json.dumps(attrs.asdict(description)).encode()


def read_description(content: bytes) -> Description:
  """Undoes `write_description`.

  Raises:
    ValueError: If that is no description, or one of another version.
  """
  try:
    fields = json.loads(content)
    version = fields['version']
    if version == VERSION:
      return Description(**fields)
  except (ValueError, KeyError, TypeError) as error:
    raise ValueError(
        '`server` must be a device server, found an answer of another kind.'
    ) from error
  raise ValueError(
      f'`server` must speak version {VERSION} of the protocol, found {version}.'
  )


def num_vote_bytes(num_votes: int, bits: int = 1) -> int:
  """Returns how many bytes packed votes of so many bits each have."""
  return -(-num_votes * bits // 8)


def join_records(records: Dict[int, bytes]) -> bytes:
  """Writes what clients gave, in the order of their numbers.

  Args:
    records: Bytes of one length, by the client's number.

  Returns:
    For each client its number, two bytes, the lower first, and its bytes.
  """
  return b''.join(
      client.to_bytes(_NUMBER_BYTES, 'little') + records[client]
      for client in sorted(records)
  )


def split_records(content: bytes, record_bytes: int) -> Dict[int, bytes]:
  """Undoes `join_records`.

  Raises:
    ValueError: If the length is wrong or the numbers do not rise.
  """
  pieces = list(split(content, _NUMBER_BYTES + record_bytes))
  numbers = [int.from_bytes(p[:_NUMBER_BYTES], 'little') for p in pieces]
  if numbers != sorted(set(numbers)):
    raise ValueError('The numbers of the clients must rise.')
  return {n: p[_NUMBER_BYTES:] for n, p in zip(numbers, pieces)}


def join_clients(clients: Iterable[int]) -> bytes:
  """Writes the numbers of clients, two bytes each."""
  return join_records(dict.fromkeys(clients, b''))


def split_clients(content: bytes) -> List[int]:
  """Undoes `join_clients`; raises `ValueError` as `split_records` does."""
  return list(split_records(content, 0))


def split(content: bytes, piece_bytes: int) -> Iterator[bytes]:
  """Cuts bytes into pieces of one length.

  Raises:
    ValueError: If they are no whole number of pieces.
  """
  if len(content) % piece_bytes:
    raise ValueError(
        f'There must be pieces of {piece_bytes} bytes, found {len(content)} '
        'bytes.'
    )
  for start in range(0, len(content), piece_bytes):
    yield content[start : start + piece_bytes]
