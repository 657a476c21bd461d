"""The pages beside the protocol: files, examples, and news of the rounds."""

import asyncio
import contextlib
import json
from typing import Dict, List, Optional

from aiohttp import web

from tff_hidenseek.on_device import federation as federation_lib
from tff_hidenseek.on_device import http_messages
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.web import own_files as own_files_lib
from tff_hidenseek.on_device.web import page_files
from tff_hidenseek.on_device.web import shards as shards_lib
from tff_hidenseek.on_device.web import watch as watch_lib

_FILES = '/page/'
_NEWS_SECONDS = 0.25
# So often a connection shows that it lives, though there is no news.
_QUIET_NEWS = 60


class Site:
  """Answers the requests of pages: an `additions.Additions`."""

  def __init__(
      self,
      watch: watch_lib.Watch,
      shards: shards_lib.Shards,
      devices: federation_lib.Federation,
      first_layer: Dict[str, List[int]],
      own_files: own_files_lib.OwnFiles,
  ):
    """Initializes the site.

    Args:
      watch: What onlookers may know.
      shards: The examples for pages.
      devices: The federation.
      first_layer: The `shape` and `kept` places of the model's first layer.
      own_files: The exported files that pages make their own.

    Raises:
      FileNotFoundError: If the files of LiteRT.js are not there.
    """
    self._files = page_files.PageFiles()
    self._watch = watch
    self._shards = shards
    self._devices = devices
    self._first_layer = first_layer
    self._own_files = own_files

  def routes(self) -> List[web.RouteDef]:
    """Returns the requests and what answers them."""
    prefix = protocol.PREFIX
    return [
        web.get('/', self._get_index),
        web.get('/dashboard', self._get_dashboard),
        web.get(_FILES + '{name:.+}', self._get_file),
        web.get(f'{prefix}/examples', self._get_examples),
        web.get(f'{prefix}/first_layer', self._get_first_layer),
        web.get(f'{prefix}/own_files/{{flavour}}', self._get_own_file),
        web.get(f'{prefix}/news', self._get_news),
    ]

  def is_file(self, path: str) -> bool:
    """Whether a path is of a file, of which a page asks for many at once."""
    return path.startswith(_FILES)

  def see(self, client: int) -> None:
    """Notes that a client has asked for something."""
    self._watch.see(client)

  async def close(self) -> None:
    """Closes the files, and lets those who listen hear how it ended."""
    await asyncio.to_thread(self._watch.close)
    await asyncio.sleep(2 * _NEWS_SECONDS)
    self._shards.close()

  async def _get_index(self, request):
    return self._files.answer_page(request, 'index.html')

  async def _get_dashboard(self, request):
    return self._files.answer_page(request, 'dashboard.html')

  async def _get_file(self, request):
    return self._files.answer(request, request.match_info['name'])

  async def _get_examples(self, request):
    shard = self._shards.give(http_messages.find_client(request))
    return http_messages.compressed_octets(shard)

  async def _get_own_file(self, request):
    http_messages.find_client(request)
    flavour = request.match_info['flavour']
    if flavour not in own_files_lib.FLAVOURS:
      raise web.HTTPNotFound()
    try:
      content = await asyncio.to_thread(self._own_files.make, flavour)
    except ValueError as error:
      raise protocol.Refusal(409, str(error)) from error
    return http_messages.compressed_octets(content)

  async def _get_first_layer(self, request):
    del request  # Unused.
    return web.json_response(self._first_layer)

  async def _get_news(self, request):
    """Sends what has changed, as server-sent events, until nobody listens."""
    response = web.StreamResponse(
        headers={
            'Content-Type': 'text/event-stream',
            'Cache-Control': 'no-store',
        }
    )
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # Nobody listens any more.
      await self._write_news(response)
    return response

  async def _write_news(self, response):
    told: Optional[str] = None
    num_quiet = 0
    while True:
      news = self._tell_news()
      if news != told or num_quiet >= _QUIET_NEWS:
        await response.write(f'data: {news}\n\n'.encode())
        told, num_quiet = news, 0
      num_quiet += 1
      await asyncio.sleep(_NEWS_SECONDS)

  def _tell_news(self) -> str:
    rounds = self._devices.rounds
    return json.dumps(
        dict(
            version=protocol.VERSION,
            round=rounds.number,
            num_learned=rounds.num_learned,
            num_rounds=self._devices.settings.rules.num_rounds,
            is_over=rounds.is_over,
            enrolled=self._devices.enrolment.num_enrolled,
            present=self._watch.num_present,
            rounds=self._watch.rounds,
        )
    )
