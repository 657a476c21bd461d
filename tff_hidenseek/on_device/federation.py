"""A federation of devices in a folder: opened, served, and closed."""

import asyncio
import contextlib
import hashlib
import os
import ssl
import time
from typing import AsyncIterator, Callable, Optional

import attrs

from tff_hidenseek import files
from tff_hidenseek.on_device import additions as additions_lib
from tff_hidenseek.on_device import enrolment as enrolment_lib
from tff_hidenseek.on_device import http_server
from tff_hidenseek.on_device import listening
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import round_result
from tff_hidenseek.on_device import rounds as rounds_lib
from tff_hidenseek.on_device import vote_collection
from tff_hidenseek.on_device.secure_aggregation import masked_votes

_CHECK_SECONDS = 0.05
_ENROLLED_FILE = 'enrolled.journal'
_DESCRIPTION_FILE = 'federation.json'


@attrs.frozen
class Settings:
  """What a federation is, besides its model and what learns.

  Attributes:
    rules: When rounds end.
    enrolment_token: What a client must know to enrol.
    learning_rate: Step size of the clients.
    num_epochs: Epochs over a client's examples in a round.
    secure_aggregation: Whether votes are masked.
    limits: What clients may ask of the server.
  """

  rules: rounds_lib.RoundRules
  enrolment_token: str
  learning_rate: float = 1.0
  num_epochs: int = 1
  secure_aggregation: bool = False
  limits: listening.Limits = listening.Limits()

  def __attrs_post_init__(self):
    rules, most = self.rules, protocol.MAX_CLIENTS
    if not 1 <= rules.num_clients <= most:
      raise ValueError(
          f'`num_clients` must be in [1, {most}] on devices, found '
          f'{rules.num_clients}.'
      )
    least = 1
    if self.secure_aggregation:
      # With half of them, two halves that are told different things could both
      # tell the server their shares.
      least = max(2, rules.num_clients // 2 + 1)
    if not least <= rules.quorum <= rules.num_clients:
      raise ValueError(
          f'`quorum` must be in [{least}, {rules.num_clients}]'
          f'{" with --secure_aggregation" if self.secure_aggregation else ""}, '
          f'found {rules.quorum}.'
      )
    if not self.enrolment_token:
      raise ValueError('`enrolment_token` must not be empty.')
    if not rules.round_seconds > 0:
      raise ValueError(
          f'`round_seconds` must be above 0, found {rules.round_seconds}.'
      )


class Federation:
  """The rounds and the clients of a folder, and the server for them.

  Attributes:
    rounds: The rounds.
    enrolment: The clients.
    settings: What else the federation is.
  """

  def __init__(
      self,
      folder: str,
      learner: rounds_lib.Learner,
      num_votes: int,
      model: bytes,
      settings: Settings,
      tell: Callable[[round_result.RoundResult], None] = lambda result: None,
      now: Callable[[], float] = time.monotonic,
  ):
    """Opens the federation of a folder, or begins it.

    Args:
      folder: An existing folder, of this program alone.
      learner: What learns.
      num_votes: How many votes a client casts, K.
      model: The trainable TFLite file.
      settings: What else the federation is.
      tell: Told how each round ended.
      now: Returns seconds.

    Raises:
      ValueError: If the folder is of another federation, or a file in it is
        damaged.
    """
    rules = settings.rules
    self.settings = settings
    self._model = model
    self._description = protocol.Description(
        model=hashlib.sha256(model).hexdigest(),
        num_votes=num_votes,
        num_clients=rules.num_clients,
        quorum=rules.quorum,
        num_rounds=rules.num_rounds,
        secure_aggregation=settings.secure_aggregation,
        learning_rate=settings.learning_rate,
        num_epochs=settings.num_epochs,
    )
    _check_description(
        os.path.join(folder, _DESCRIPTION_FILE), self._description
    )
    if settings.secure_aggregation:
      collection: vote_collection.VoteCollection = masked_votes.MaskedVotes(
          num_votes, self._description.model, rules.quorum
      )
    else:
      collection = vote_collection.PlainVotes(num_votes)
    self.rounds = rounds_lib.Rounds(
        folder, learner, collection, rules, tell, now
    )
    self.enrolment = enrolment_lib.Enrolment(
        os.path.join(folder, _ENROLLED_FILE),
        settings.enrolment_token,
        rules.num_clients,
    )
    self._server: Optional[http_server.DeviceServer] = None

  @contextlib.asynccontextmanager
  async def serve(
      self,
      host: str,
      port: int,
      tls: Optional[ssl.SSLContext] = None,
      additions: Optional[additions_lib.Additions] = None,
  ) -> AsyncIterator[int]:
    """Serves the federation for as long as the block lasts.

    Args:
      host: The address to listen at.
      port: The port; 0 is a free one.
      tls: What TLS needs; `None` speaks none.
      additions: What the server answers beside the protocol of the rounds.

    Yields:
      The port.
    """
    self._server = http_server.DeviceServer(
        self._description,
        self._model,
        self.rounds,
        self.enrolment,
        self.settings.limits,
        additions,
    )
    async with self._server.listen(host, port, tls) as found:
      yield found

  async def wait_until_over(
      self,
      seconds_to_tell: float,
      check: Callable[[], None] = lambda: None,
  ) -> None:
    """Waits until all rounds are over, and the clients have heard of it.

    Args:
      seconds_to_tell: How long clients have to hear of it.
      check: Called again and again until then; what it raises ends the wait.
    """
    while not self.rounds.is_over:
      check()
      await asyncio.sleep(_CHECK_SECONDS)
    with contextlib.suppress(asyncio.TimeoutError):
      await asyncio.wait_for(
          self._server.everyone_told.wait(), seconds_to_tell
      )

  def close(self) -> None:
    """Closes the files."""
    self.rounds.close_files()
    self.enrolment.close()


def _check_description(path: str, description: protocol.Description) -> None:
  """Writes what a federation is, or checks that it is what it was."""
  now = attrs.asdict(description)
  if os.path.exists(path):
    with open(path, 'rb') as file:
      before = attrs.asdict(protocol.read_description(file.read()))
    for name, value in before.items():
      # More rounds begin with the bits of fewer.
      if name != 'num_rounds' and value != now[name]:
        raise ValueError(
            f'`{name}` must be {value!r} as the federation in '
            f'{os.path.dirname(path)} began, found {now[name]!r}.'
        )
  files.write_atomically(path, protocol.write_description(description))
