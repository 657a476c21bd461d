"""A real device server on loopback, whose learner only counts votes."""

import asyncio
import base64
import contextlib
import io
import json
import multiprocessing
import threading
import time

import attrs
import numpy as np

from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import federation as federation_lib
from tff_hidenseek.on_device import listening
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import rounds as rounds_lib
from tff_hidenseek.on_device import vote_collection

NUM_VOTES = 20
TOKEN = 'the token of the tests'
MODEL = b'a model'
_ROUND_SECONDS = 60.0
_LIMITS = listening.Limits(
    requests_per_second=1000, idle_seconds=5, poll_seconds=5
)


class CountingLearner:
  """Adds up what was voted in all rounds.

  Attributes:
    totals: How often each kept weight was voted +1, `int64[K]`.
    num_voters: How many clients voted in each round.
  """

  def __init__(self, num_votes=NUM_VOTES):
    self.totals = np.zeros(num_votes, np.int64)
    self.num_voters = []

  def message(self):
    return self.totals.astype('<i8').tobytes()

  def learn(self, num_ones, num_clients):
    self.totals = self.totals + num_ones
    self.num_voters = [*self.num_voters, num_clients]

  def to_bytes(self):
    content = io.BytesIO()
    np.savez(content, totals=self.totals, num_voters=self.num_voters)
    return content.getvalue()

  def restore(self, content):
    arrays = np.load(io.BytesIO(content))
    self.totals = arrays['totals']
    self.num_voters = [int(n) for n in arrays['num_voters']]


def draw_votes(
    client: int, round_num: int, num_votes: int = NUM_VOTES
) -> np.ndarray:
  """Returns what a client votes in a round, `uint8[K]` of 0 and 1."""
  rng = np.random.default_rng([client, round_num])
  return rng.integers(0, 2, num_votes, np.uint8)


def pack(votes: np.ndarray) -> bytes:
  """Packs votes as they are sent."""
  return np.packbits(votes, bitorder='little').tobytes()


def make_settings(
    num_clients=3,
    quorum=None,
    num_rounds=2,
    round_seconds=_ROUND_SECONDS,
    secure_aggregation=False,
    **limits
) -> federation_lib.Settings:
  """Returns settings with what a test says of them."""
  return federation_lib.Settings(
      rules=rounds_lib.RoundRules(
          num_clients, quorum or num_clients, num_rounds, round_seconds
      ),
      enrolment_token=TOKEN,
      secure_aggregation=secure_aggregation,
      limits=attrs.evolve(_LIMITS, **limits),
  )


def make_federation(
    folder,
    *,
    learner=None,
    num_votes=NUM_VOTES,
    tell=print,
    now=time.monotonic,
    **settings
) -> federation_lib.Federation:
  """Returns the federation of a folder, without a server."""
  return federation_lib.Federation(
      folder,
      learner or CountingLearner(num_votes),
      num_votes,
      MODEL,
      make_settings(**settings),
      tell,
      now,
  )


@attrs.define
class Served:
  """A server that runs in a thread.

  Attributes:
    port: Where it listens.
    federation: What it serves.
    learner: What its rounds have counted.
    said: The sentences of how rounds ended.
    seconds: What the clock of the rounds shows.
    loop: What the server runs in.
  """

  port: int
  federation: federation_lib.Federation
  learner: CountingLearner
  said: list
  loop: asyncio.AbstractEventLoop
  seconds: float = 0.0

  def pass_time(self) -> None:
    """Lets all the time pass that a step may take."""

    def advance():
      self.seconds += _ROUND_SECONDS
      self.federation._server._notify()

    self.loop.call_soon_threadsafe(advance)

  @property
  def url(self) -> str:
    return f'http://127.0.0.1:{self.port}'

  def enrol(self, num_clients: int):
    """Returns so many clients that have enrolled."""
    return [RawClient(self.url, i) for i in range(num_clients)]


class RawClient:
  """Sends single requests as a client that is known by a secret of its own.

  Attributes:
    description: What the server says of the federation.
    number: The number with which this client has enrolled.
    headers: What it sends with every request.
  """

  def __init__(self, url: str, index: int):
    self._connection = connection_lib.Connection(url, give_up_seconds=20)
    self._secret = bytes([index]) * protocol.SECRET_BYTES
    self.description = protocol.read_description(self.get('/federation').body)
    answer = self.enrol()
    assert answer.status == 200, answer
    self.number = json.loads(answer.body)['client']
    self.headers = {
        'Authorization': _bearer(self._secret),
        protocol.MODEL_HEADER: self.description.model,
    }

  def enrol(self, token=TOKEN):
    return self._connection.request(
        'POST',
        '/v1/clients',
        {'Authorization': f'Bearer {token}'},
        self._secret,
    )

  def get(self, path):
    headers = getattr(self, 'headers', {})
    return self._connection.request('GET', f'/v1{path}', headers)

  def put(self, path, body, **headers):
    return self._connection.request(
        'PUT', f'/v1{path}', {**self.headers, **headers}, body
    )


def _bearer(secret):
  return f'Bearer {base64.urlsafe_b64encode(secret).decode().rstrip("=")}'


@contextlib.contextmanager
def serve(folder: str, tls=None, **settings):
  """Serves the federation of a folder in a thread; yields a `Served`."""
  ready = threading.Event()
  found = {}

  async def main():
    learner, said = CountingLearner(), []
    federation = make_federation(
        folder,
        learner=learner,
        tell=lambda result: said.append(result.sentence),
        now=lambda: found['served'].seconds if 'served' in found else 0.0,
        **settings,
    )
    stop = asyncio.Event()
    async with federation.serve('127.0.0.1', 0, tls) as port:
      found['served'] = Served(
          port, federation, learner, said, asyncio.get_running_loop()
      )
      found['stop'] = stop
      ready.set()
      await stop.wait()
    federation.close()

  thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
  thread.start()
  assert ready.wait(20), 'The server did not start.'
  try:
    yield found['served']
  finally:
    found['served'].loop.call_soon_threadsafe(found['stop'].set)
    thread.join(20)
    assert not thread.is_alive(), 'The server did not stop.'


class Process:
  """A federation that is served by a process, which can be killed.

  Attributes:
    port: Where it listens; a process that is started again listens there too.
  """

  def __init__(self, folder: str, num_votes: int = NUM_VOTES, **settings):
    self._arguments = (folder, num_votes, settings)
    self.port = 0
    self.start()

  @property
  def url(self) -> str:
    return f'http://127.0.0.1:{self.port}'

  @property
  def pid(self) -> int:
    return self._process.pid

  def start(self):
    # Forked from a process that has imported everything and served nothing.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload([__name__])
    told, tell = context.Pipe(duplex=False)
    self._process = context.Process(
        target=_serve_process, args=(tell, self.port, *self._arguments)
    )
    self._process.start()
    tell.close()
    self.port = told.recv()

  def kill(self):
    """Sends SIGKILL."""
    self._process.kill()
    self._process.join()

  def read_learner(self) -> CountingLearner:
    """Returns what was counted until now, from the folder."""
    folder, num_votes, _ = self._arguments
    learner = CountingLearner(num_votes)
    rounds_lib.Rounds(
        folder,
        learner,
        vote_collection.PlainVotes(num_votes),
        make_settings().rules,
    ).close_files()
    return learner


def _serve_process(tell, port, folder, num_votes, settings):
  async def main():
    federation = make_federation(folder, num_votes=num_votes, **settings)
    async with federation.serve('127.0.0.1', port) as found:
      tell.send(found)
      await federation.wait_until_over(20)

  asyncio.run(main())
