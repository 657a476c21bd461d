"""Where HTTP is listened for, and for how long strangers are listened to."""

import asyncio
import contextlib
import logging
import ssl
from typing import AsyncIterator, Optional

from aiohttp import http_exceptions
from aiohttp import web
import attrs

_LOG = logging.getLogger(__name__)
_MAX_HEAD_BYTES = 4096
_MAX_HEADERS = 64
# How long the rest of a refused body is read, so that the answer is heard.
_LINGERING_SECONDS = 1.0


@attrs.frozen
class Limits:
  """What one client, one address and all together may ask of the server.

  Attributes:
    requests_per_second: Requests of one client, or of one address that has not
      shown who it is; twice as many at once.
    idle_seconds: How long a connection may take to say what it wants.
    poll_seconds: How long a request for what is not there yet is kept waiting.
    max_connections: How many connections there may be.
  """

  requests_per_second: float = 50.0
  idle_seconds: float = 10.0
  poll_seconds: float = 20.0
  max_connections: int = 500


@contextlib.asynccontextmanager
async def listen(
    application: web.Application,
    host: str,
    port: int,
    tls: Optional[ssl.SSLContext],
    limits: Limits,
) -> AsyncIterator[int]:
  """Serves an application for as long as the block lasts.

  Args:
    application: What answers requests.
    host: The address to listen at.
    port: The port; 0 is a free one.
    tls: What TLS needs; `None` speaks none.
    limits: What is too slow or too much.

  Yields:
    The port.
  """
  runner = web.AppRunner(
      application,
      access_log=None,
      auto_decompress=False,
      keepalive_timeout=limits.idle_seconds,
      lingering_time=min(_LINGERING_SECONDS, limits.idle_seconds),
      max_line_size=_MAX_HEAD_BYTES,
      max_field_size=_MAX_HEAD_BYTES,
      max_headers=_MAX_HEADERS,
      shutdown_timeout=1.0,
      logger=_LOG,
  )
  await runner.setup()

  def accept():
    if len(runner.server.connections) >= limits.max_connections:
      return _Full()
    return runner.server()

  server = await asyncio.get_running_loop().create_server(
      accept,
      host,
      port,
      ssl=tls,
      ssl_handshake_timeout=limits.idle_seconds if tls else None,
  )
  try:
    yield server.sockets[0].getsockname()[1]
  finally:
    server.close()
    await runner.cleanup()


def _is_not_of_strangers(record: logging.LogRecord) -> bool:
  """Keeps what strangers send, however malformed, from filling the log."""
  error = record.exc_info[1] if record.exc_info else None
  return not isinstance(error, http_exceptions.HttpProcessingError)


_LOG.addFilter(_is_not_of_strangers)


class _Full(asyncio.Protocol):
  """Closes a connection for which there is no room."""

  def connection_made(self, transport):
    transport.abort()
