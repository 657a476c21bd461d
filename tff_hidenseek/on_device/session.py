"""A client's part in a federation, from enrolling to the last round.

Nothing here imports TensorFlow.
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
from typing import Callable, Dict, Iterator, Optional, Tuple

from tff_hidenseek import files
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import enrolment
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import participant

_SECRET_FILE = 'client.secret'
_MODEL_FILE = 'model_trainable.tflite'
# From a round's number and the server's message to votes.
Train = Callable[[bytes, int], bytes]


class Session:
  """Speaks the protocol for one client, whose secret is in its folder.

  Attributes:
    description: What the federation is.
    client: This client's number.
  """

  def __init__(
      self,
      connection: connection_lib.Connection,
      folder: str,
      enrolment_token: Optional[str] = None,
  ):
    """Enrols the client, or finds that it is.

    Args:
      connection: To the server.
      folder: Keeps the client's secret and the model; made where it is missing.
      enrolment_token: What the server wants to know of new clients.

    Raises:
      ValueError: If the server refuses, or is of another kind.
      OSError: If it does not answer.
    """
    self._connection = connection
    self._folder = folder
    self.description = protocol.read_description(
        connection.request('GET', f'{protocol.PREFIX}/federation', {}).body
    )
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, _SECRET_FILE)
    if not os.path.exists(path):
      # Before the server hears of it: a lost answer enrols nobody anew.
      with files.replace_when_whole(path) as unfinished:
        enrolment.write_private(
            unfinished, secrets.token_bytes(protocol.SECRET_BYTES)
        )
    with open(path, 'rb') as file:
      secret = file.read()
    answer = connection.request(
        'POST',
        f'{protocol.PREFIX}/clients',
        _authorization(enrolment_token or ''),
        secret,
    )
    if answer.status != 200:
      raise ValueError(f'The server refused to enrol: {answer.sentence}')
    self.client: int = json.loads(answer.body)['client']
    text = base64.urlsafe_b64encode(secret).decode().rstrip('=')
    self._headers = {
        protocol.MODEL_HEADER: self.description.model,
        **_authorization(text),
    }

  def fetch_model(self) -> bytes:
    """Returns the trainable TFLite file, from the folder if it is there.

    Raises:
      ValueError: If the server's is not the one that it describes.
    """
    path = os.path.join(self._folder, _MODEL_FILE)
    with contextlib.suppress(FileNotFoundError):
      with open(path, 'rb') as file:
        content = file.read()
      if hashlib.sha256(content).hexdigest() == self.description.model:
        return content
    answer = self._request('GET', '/model')
    if hashlib.sha256(answer.body).hexdigest() != self.description.model:
      raise ValueError(
          'The server must send the model that it describes, found another.'
      )
    files.write_atomically(path, answer.body)
    return answer.body

  def take_part(
      self, train: Train, tell: Callable[[str], None] = lambda sentence: None
  ) -> None:
    """Trains and votes in every round, until the federation ends.

    Args:
      train: Gives the votes of a round.
      tell: Told in a sentence why a vote of this client was not counted.

    Raises:
      ValueError: If the server does not know this client.
      OSError: If it does not answer.
    """
    for number, message in self.rounds():
      try:
        votes = train(message, number)
        if self.description.secure_aggregation:
          self._send_masked(number, votes)
        else:
          self.put(number, protocol.VOTE, votes)
      except protocol.Refusal as refusal:
        tell(refusal.sentence)

  def rounds(self) -> Iterator[Tuple[int, bytes]]:
    """Yields the number and the message of each round, as they open.

    Raises:
      ValueError: If the server does not know this client.
      OSError: If it does not answer.
    """
    number = 0
    while True:
      try:
        answer = self._request('GET', f'/rounds/next?after={number}')
      except protocol.Refusal as refusal:
        if refusal.status == 410:
          return
        raise ValueError(f'The server refused: {refusal.sentence}') from refusal
      if answer.status == 200:
        number = int(answer.headers[protocol.ROUND_HEADER.lower()])
        yield number, answer.body

  def make_participant(self, number: int) -> participant.Participant:
    """Returns this client's side of secure aggregation in a round."""
    round_id = layout.RoundId(
        number,
        self.description.model,
        self.description.num_votes,
        self.description.quorum,
    )
    return participant.Participant(round_id, self.client)

  def _send_masked(self, number: int, votes: bytes) -> None:
    mine = self.make_participant(number)
    try:
      self.put(number, protocol.KEYS, mine.keys())
      everyones_keys = self.get(number, protocol.KEYS)
      self.put(number, protocol.SHARES, mine.share(everyones_keys))
      shares = self.get(number, protocol.SHARES)
      self.put(number, protocol.MASKED_VOTE, mine.mask(shares, votes))
      survivors = self.get(number, protocol.MASKED_VOTE)
      self.put(number, protocol.UNMASKING, mine.unmask(survivors))
    except ValueError as error:
      raise protocol.Refusal(
          409, f'Client {self.client} leaves round {number}. {error}'
      ) from error

  def put(self, number: int, step: str, body: bytes) -> None:
    """Gives the server this client's part of a step.

    Args:
      number: The number of the round.
      step: The step.
      body: What the client gives.

    Raises:
      protocol.Refusal: If the server refuses.
    """
    self._request('PUT', f'/rounds/{number}/{step}', body)

  def get(self, number: int, step: str) -> bytes:
    """Waits until a step is closed; returns what the next one needs of it.

    Args:
      number: The number of the round.
      step: The step, not the last one.

    Raises:
      protocol.Refusal: If the server refuses.
    """
    while True:
      answer = self._request('GET', f'/rounds/{number}/{step}')
      if answer.status == 200:
        return answer.body

  def _request(
      self, method: str, path: str, body: bytes = b''
  ) -> connection_lib.Answer:
    """Sends a request of this client.

    Raises:
      ValueError: If the server does not know the client.
      protocol.Refusal: If it refuses otherwise.
    """
    answer = self._connection.request(
        method, f'{protocol.PREFIX}{path}', self._headers, body
    )
    if answer.status == 401:
      raise ValueError(f'The server refused: {answer.sentence}')
    if answer.status not in (200, 204):
      raise protocol.Refusal(answer.status, answer.sentence)
    return answer


def _authorization(text: str) -> Dict[str, str]:
  return {'Authorization': f'Bearer {text}'}
