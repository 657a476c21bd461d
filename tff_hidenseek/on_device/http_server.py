"""The device server: rounds over HTTP, for clients that nobody vouches for.

docs/on_device.md lists the requests. What is wrong with a request is answered
in one sentence; connections that say nothing are closed.
"""

import asyncio
import contextlib
import logging
import ssl
from typing import AsyncIterator, Callable, Optional

from aiohttp import web

from tff_hidenseek.on_device import additions as additions_lib
from tff_hidenseek.on_device import enrolment as enrolment_lib
from tff_hidenseek.on_device import http_messages
from tff_hidenseek.on_device import listening
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import rate_limits
from tff_hidenseek.on_device import rounds as rounds_lib

_LOG = logging.getLogger(__name__)
# A body up to this length is read, and told which length it should have.
_MIN_BODY_BYTES = 4096


class DeviceServer:
  """Answers the requests of clients.

  Attributes:
    everyone_told: Set once every client that enrolled knows that the federation
      has ended.
  """

  def __init__(
      self,
      description: protocol.Description,
      model: bytes,
      rounds: rounds_lib.Rounds,
      enrolment: enrolment_lib.Enrolment,
      limits: listening.Limits,
      additions: Optional[additions_lib.Additions] = None,
  ):
    """Initializes the server.

    Args:
      description: What clients are told of the federation.
      model: The trainable TFLite file.
      rounds: The rounds.
      enrolment: The clients.
      limits: What clients may ask.
      additions: What is answered beside the protocol of the rounds.
    """
    self._description = description
    self._model = model
    self._rounds = rounds
    self._enrolment = enrolment
    self._limits = limits
    self._additions = additions
    self._rates = rate_limits.RateLimits(
        limits.requests_per_second, int(2 * limits.requests_per_second) + 1
    )
    self._changed = asyncio.Event()
    self._told = set()
    self.everyone_told = asyncio.Event()

  @contextlib.asynccontextmanager
  async def listen(
      self, host: str, port: int, tls: Optional[ssl.SSLContext] = None
  ) -> AsyncIterator[int]:
    """Listens for as long as the block lasts.

    Args:
      host: The address to listen at.
      port: The port; 0 is a free one.
      tls: What TLS needs; `None` speaks none.

    Yields:
      The port.
    """
    clock = asyncio.ensure_future(self._keep_time())
    try:
      async with listening.listen(
          self._build_application(), host, port, tls, self._limits
      ) as found:
        yield found
    finally:
      clock.cancel()

  def _build_application(self):
    application = web.Application(
        client_max_size=max(
            _MIN_BODY_BYTES, self._description.max_body_bytes
        ),
        middlewares=[http_messages.answer_in_sentences, self._limit_rate],
    )
    prefix = protocol.PREFIX
    application.router.add_get(f'{prefix}/federation', self._get_federation)
    application.router.add_get(f'{prefix}/model', self._get_model)
    application.router.add_post(f'{prefix}/clients', self._enrol)
    application.router.add_get(f'{prefix}/rounds/next', self._get_next_round)
    steps = f'{prefix}/rounds/{{round}}/{{step}}'
    application.router.add_put(steps, self._put_step)
    application.router.add_get(steps, self._get_step)
    if self._additions:
      application.router.add_routes(self._additions.routes())
    return application

  @web.middleware
  async def _limit_rate(self, request, handler):
    secret = http_messages.read_secret(http_messages.read_bearer(request))
    client = None if secret is None else self._enrolment.find(secret)
    request[http_messages.CLIENT] = client
    if self._additions and self._additions.is_file(request.path):
      return await handler(request)
    seconds = self._rates.seconds_to_wait(
        request.remote if client is None else client
    )
    if seconds:
      raise protocol.Refusal(
          429, f'Too many requests: wait for {seconds} seconds.'
      )
    if client is not None and self._additions:
      self._additions.see(client)
    return await handler(request)

  async def _get_federation(self, request):
    return web.Response(
        body=protocol.write_description(self._description),
        content_type='application/json',
    )

  async def _get_model(self, request):
    http_messages.find_client(request)
    return http_messages.compressed_octets(self._model)

  async def _enrol(self, request):
    secret = await self._read(request)
    client = self._enrolment.enrol(http_messages.read_bearer(request), secret)
    return web.json_response({'client': client})

  async def _get_next_round(self, request):
    client = http_messages.find_client(request)
    after = http_messages.read_number(request.query.get('after', '0'))
    rounds = self._rounds
    await self._wait_for(lambda: rounds.is_over or rounds.number > after)
    if rounds.is_over:
      self._told.add(client)
      if len(self._told) >= self._enrolment.num_enrolled:
        self.everyone_told.set()
      raise protocol.Refusal(
          410, f'The federation has ended after {rounds.num_learned} rounds.'
      )
    if rounds.number <= after:
      return web.Response(status=204)
    rounds.take(client)
    self._notify()
    return http_messages.octets(
        rounds.message, {protocol.ROUND_HEADER: str(rounds.number)}
    )

  async def _put_step(self, request):
    client = http_messages.find_client(request)
    number, step = self._read_place(request)
    model = request.headers.get(protocol.MODEL_HEADER, '')
    if model != self._description.model:
      raise protocol.Refusal(
          409,
          f'The model is {self._description.model}, found '
          f'{http_messages.printable(model) or "none"} in '
          f'{protocol.MODEL_HEADER}.',
      )
    body = await self._read(request)
    self._rounds.give(client, number, step, body)
    self._notify()
    return web.Response(status=204)

  async def _get_step(self, request):
    client = http_messages.find_client(request)
    number, step = self._read_place(request)
    if step == self._description.steps[-1]:
      raise protocol.Refusal(404, f'Nothing is answered after {step}.')
    if not await self._wait_for(lambda: self._rounds.is_closed(number, step)):
      return web.Response(status=204)
    return http_messages.octets(self._rounds.reply(client, number, step))

  def _read_place(self, request):
    step = request.match_info['step']
    if step not in self._description.steps:
      raise protocol.Refusal(
          404,
          f'The steps of a round are {", ".join(self._description.steps)}, '
          f'found {http_messages.printable(step)}.',
      )
    return http_messages.read_number(request.match_info['round']), step

  async def _read(self, request):
    try:
      return await asyncio.wait_for(
          request.read(), self._limits.idle_seconds
      )
    except asyncio.TimeoutError:
      raise protocol.Refusal(
          408,
          f'A body must be sent within {self._limits.idle_seconds:g} seconds.',
      ) from None

  async def _wait_for(self, is_true: Callable[[], bool]) -> bool:
    """Waits until something is true, for the seconds that a poll may take."""
    loop = asyncio.get_running_loop()
    end = loop.time() + self._limits.poll_seconds
    while not is_true():
      try:
        await asyncio.wait_for(self._changed.wait(), end - loop.time())
      except asyncio.TimeoutError:
        return is_true()
    return True

  def _notify(self):
    """Wakes all who wait; they look for themselves."""
    self._changed.set()
    self._changed = asyncio.Event()

  async def _keep_time(self):
    while True:
      try:
        await asyncio.wait_for(
            self._changed.wait(), self._rounds.seconds_left()
        )
      except asyncio.TimeoutError:
        try:
          self._rounds.tick()
          self._notify()
        except OSError as error:
          _LOG.error('The round cannot be ended: %s', error)
          await asyncio.sleep(1)
