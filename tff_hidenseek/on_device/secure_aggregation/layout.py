"""The bytes of secure aggregation's four steps, and what binds them."""

import hashlib
from typing import Dict

import attrs

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import keys
from tff_hidenseek.on_device.secure_aggregation import shamir

KEYS_BYTES = 2 * keys.PUBLIC_KEY_BYTES
_SHARES_BYTES = 2 * shamir.ELEMENT_BYTES
ENCRYPTED_BYTES = _SHARES_BYTES + keys.TAG_BYTES


@attrs.frozen
class RoundId:
  """What the clients of a round must agree on.

  Attributes:
    round_num: The number of the round, from 1.
    model: SHA-256 of the model, in hexadecimal.
    num_votes: How many votes a client casts, K.
    threshold: How many shares give a secret.
  """

  round_num: int
  model: str
  num_votes: int
  threshold: int

  def context(self, everyones_keys: bytes) -> bytes:
    """Returns the hash of all that every key of the round depends on."""
    fields = (self.round_num, self.model, self.num_votes, self.threshold)
    return hashlib.sha256(
        repr(fields).encode() + b'\n' + everyones_keys
    ).digest()


@attrs.frozen
class PublicKeys:
  """A client's public keys of a round, 32 bytes each.

  Attributes:
    encryption: Of shares on their way.
    mask: Of the masks that two clients share.
  """

  encryption: bytes
  mask: bytes

  def to_bytes(self) -> bytes:
    """Writes both, 64 bytes."""
    return self.encryption + self.mask


@attrs.frozen
class Shares:
  """What one client holds of another's secrets.

  Attributes:
    seed: Its share of the seed of the other's own mask.
    mask_key: Its share of the other's private key of masks.
  """

  seed: int
  mask_key: int

  def to_bytes(self) -> bytes:
    """Writes both, 64 bytes."""
    return shamir.to_bytes(self.seed) + shamir.to_bytes(self.mask_key)

  @classmethod
  def from_bytes(cls, content: bytes) -> 'Shares':
    """Undoes `to_bytes`; raises `ValueError` if they are no shares."""
    return cls(*map(shamir.from_bytes, _halves(content, _SHARES_BYTES)))


def read_keys(content: bytes) -> Dict[int, PublicKeys]:
  """Reads the public keys of all clients, by their numbers.

  Raises:
    ValueError: If that is no such list.
  """
  return {
      client: PublicKeys(*_halves(record, KEYS_BYTES))
      for client, record in protocol.split_records(content, KEYS_BYTES).items()
  }


def num_share_bytes(num_peers: int) -> int:
  """Returns how many bytes a client's second step has, of so many peers."""
  return keys.COMMITMENT_BYTES + ENCRYPTED_BYTES * (num_peers - 1)


def place(client: int) -> int:
  """Returns where a client's shares are evaluated."""
  return client + 1


def _halves(content, num_bytes):
  if len(content) != num_bytes:
    raise ValueError(f'There must be {num_bytes} bytes, found {len(content)}.')
  return content[: num_bytes // 2], content[num_bytes // 2 :]
