"""Stands between browsers and a server, and keeps all that browsers send."""

import asyncio
import contextlib
import re
from typing import AsyncIterator, List

import attrs

_END_OF_HEAD = b'\r\n\r\n'
_LENGTH = re.compile(
    rb"^content-length: *(\d+)\r?$", re.IGNORECASE | re.MULTILINE
)


@attrs.frozen
class Request:
  """A request as it was sent.

  Attributes:
    line: Its first line, without the version of HTTP.
    head: All bytes before the body.
    body: The body.
  """

  line: str
  head: bytes
  body: bytes


class Relay:
  """Passes bytes on.

  Attributes:
    port: Where it listens.
    bytes_down: How many bytes browsers were sent, heads and all.
  """

  def __init__(self, server_port: int):
    self.port = 0
    self.bytes_down = 0
    self._server_port = server_port
    self._streams: List[bytearray] = []

  @property
  def requests(self) -> List[Request]:
    """All requests until now, by connection."""
    return [r for stream in self._streams for r in _split(bytes(stream))]

  async def pass_on(self, reader, writer):
    """Serves one connection of a browser."""
    stream = bytearray()
    self._streams.append(stream)
    with contextlib.suppress(OSError):
      to_server = await asyncio.open_connection('127.0.0.1', self._server_port)
      await asyncio.gather(
          self._copy(reader, to_server[1], stream.extend),
          self._copy(to_server[0], writer, self._count),
          return_exceptions=True,
      )
    writer.close()

  def _count(self, data):
    self.bytes_down += len(data)

  async def _copy(self, reader, writer, note):
    try:
      while data := await reader.read(1 << 16):
        note(data)
        writer.write(data)
        await writer.drain()
    finally:
      writer.close()


@contextlib.asynccontextmanager
async def start(server_port: int) -> AsyncIterator[Relay]:
  """Listens for as long as the block lasts."""
  relay = Relay(server_port)
  server = await asyncio.start_server(relay.pass_on, '127.0.0.1', 0)
  relay.port = server.sockets[0].getsockname()[1]
  try:
    yield relay
  finally:
    server.close()


def _split(stream: bytes):
  """Yields the requests of a connection."""
  while _END_OF_HEAD in stream:
    head, _, rest = stream.partition(_END_OF_HEAD)
    found = _LENGTH.search(head)
    length = int(found[1]) if found else 0
    line = head.partition(b'\r\n')[0].decode().removesuffix(' HTTP/1.1')
    yield Request(line, head, rest[:length])
    stream = rest[length:]
  if stream:
    raise ValueError(f'These bytes are no request: {stream[:100]!r}')
