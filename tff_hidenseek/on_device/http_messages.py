"""What requests to the device server say, and its answers.

What is wrong with a request is answered in one sentence.
"""

import base64
import binascii
import logging
from typing import Mapping, Optional

from aiohttp import web

from tff_hidenseek.on_device import protocol

_LOG = logging.getLogger(__name__)
_OCTETS = 'application/octet-stream'
_BEARER = 'Bearer '
# Under it stands the number of the client that asks, `None` of a stranger.
CLIENT: web.RequestKey[Optional[int]] = web.RequestKey('client', object)


@web.middleware
async def answer_in_sentences(request, handler):
  """Answers with a sentence what is refused, and what fails."""
  try:
    return await handler(request)
  except protocol.Refusal as refusal:
    status, sentence = refusal.status, refusal.sentence
  except web.HTTPRequestEntityTooLarge as error:
    status, sentence = 413, f'The body is too long: {error.text}.'
  except web.HTTPException as error:
    status = error.status
    sentence = (
        f'There is no {printable(request.method)} {printable(request.path)}: '
        f'version {protocol.VERSION} of the protocol is at {protocol.PREFIX}.'
    )
  except ConnectionError:
    raise
  except OSError as error:
    _LOG.error('%s %s: %s', request.method, request.path, error)
    status, sentence = 503, 'The server cannot write to its disk.'
  return web.Response(status=status, text=f'{sentence}\n')


def octets(
    body: bytes, headers: Optional[Mapping[str, str]] = None
) -> web.Response:
  """Answers with bytes."""
  return web.Response(body=body, content_type=_OCTETS, headers=headers)


def compressed_octets(body: bytes) -> web.Response:
  """Answers with bytes, compressed for those who say that they undo it."""
  response = octets(body)
  response.enable_compression()
  return response


def find_client(request: web.Request) -> int:
  """Returns the number of the client that asks; refuses any other."""
  if request[CLIENT] is None:
    raise protocol.Refusal(
        401, 'The secret is of no client that has enrolled.'
    )
  return request[CLIENT]


def read_bearer(request: web.Request) -> str:
  """Returns what a request is authorized with; empty if with nothing."""
  value = request.headers.get('Authorization', '')
  return value[len(_BEARER) :] if value.startswith(_BEARER) else ''


def read_secret(text: str) -> Optional[bytes]:
  """Returns the secret of a text; `None` if it is none."""
  try:
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
  except (binascii.Error, ValueError):
    return None


def read_number(text: str) -> int:
  """Returns the number of a round; refuses other texts."""
  if not (text.isascii() and text.isdigit() and len(text) < 10):
    raise protocol.Refusal(
        400, f'A round is a number, found {printable(text)}.'
    )
  return int(text)


def printable(text: str) -> str:
  """Returns the start of a stranger's text, on one line."""
  return ascii(text[:100])[1:-1]
