"""Who may take part: a token to enrol with, then a secret of each client's."""

import hashlib
import hmac
import os
import secrets
from typing import Dict, Optional

from tff_hidenseek.on_device import journal as journal_lib
from tff_hidenseek.on_device import protocol


class Enrolment:
  """The clients of a federation, numbered from 0 as they enrol.

  A client is known by the SHA-256 of its secret, which is all that the server
  keeps of it.
  """

  def __init__(self, path: str, token: str, num_clients: int):
    """Opens the list of clients, or begins it.

    Args:
      path: The file of the list.
      token: What a client must know to enrol, not empty.
      num_clients: How many may.
    """
    self._token = token.encode()
    self._num_clients = num_clients
    self._journal = journal_lib.Journal(path)
    self._clients: Dict[bytes, int] = {
        record: client for client, record in enumerate(self._journal.records)
    }

  @property
  def num_enrolled(self) -> int:
    """How many clients have enrolled."""
    return len(self._clients)

  def enrol(self, token: str, secret: bytes) -> int:
    """Enrols a client, or finds that it is.

    Args:
      token: What it says the token is; nothing of who has enrolled.
      secret: The bytes by which it will be known.

    Returns:
      Its number.

    Raises:
      protocol.Refusal: If the token is another, the secret has another length,
        or all places are taken.
    """
    if len(secret) != protocol.SECRET_BYTES:
      raise protocol.Refusal(
          400,
          f'A secret has {protocol.SECRET_BYTES} bytes, found {len(secret)}.',
      )
    client = self.find(secret)
    if client is not None:
      return client
    # A header may hold any bytes, which aiohttp reads as surrogates.
    given = token.encode(errors='surrogateescape')
    if not hmac.compare_digest(given, self._token):
      raise protocol.Refusal(403, 'The enrolment token is not the one.')
    client = len(self._clients)
    if client >= self._num_clients:
      raise protocol.Refusal(403, f'All {self._num_clients} places are taken.')
    digest = hashlib.sha256(secret).digest()
    self._journal.append(digest)
    self._clients[digest] = client
    return client

  def find(self, secret: bytes) -> Optional[int]:
    """Returns the number of the client of this secret, or `None`."""
    # The digest of a guess says nothing of how near the guess was.
    return self._clients.get(hashlib.sha256(secret).digest())

  def close(self) -> None:
    """Closes the file of the list."""
    self._journal.close()


def read_or_draw_token(path: str) -> str:
  """Returns the token in a file, which is drawn where there is none."""
  if not os.path.exists(path):
    write_private(path, secrets.token_urlsafe(24).encode())
  with open(path, encoding='utf-8') as file:
    return file.read().strip()


def write_private(path: str, content: bytes) -> None:
  """Writes a new file that only its owner may read."""
  descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
  with open(descriptor, 'wb') as file:
    file.write(content)
    file.flush()
    os.fsync(descriptor)
