"""A client's connection to the device server: the standard library's alone.

Every request may be sent again: the server carries it out once. So a request is
repeated, ever more slowly, until there is an answer.
"""

import http.client
import random
import ssl
import time
from typing import Dict, Mapping, Optional
import urllib.parse

import attrs

_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 5.0
# Longer than the server keeps a request waiting.
_ANSWER_SECONDS = 60.0
_MAX_ANSWER_BYTES = 1 << 28
_BUSY = 429


@attrs.frozen
class Answer:
  """What the server answered.

  Attributes:
    status: The HTTP status.
    headers: By their names, which are in lower case.
    body: The bytes.
  """

  status: int
  headers: Mapping[str, str]
  body: bytes

  @property
  def sentence(self) -> str:
    """Why a request was refused, as the server says it."""
    return self.body.decode(errors='replace').strip()


class Connection:
  """One connection at a time, opened again where it was lost.

  Attributes:
    bytes_sent: Bytes of bodies that were sent, repetitions included.
    bytes_received: Bytes of bodies that were received.
  """

  def __init__(
      self,
      url: str,
      tls: Optional[ssl.SSLContext] = None,
      give_up_seconds: float = 600.0,
  ):
    """Initializes the connection; nothing is sent yet.

    Args:
      url: The server, as https://HOST:PORT or http://HOST:PORT. Proxies are
        passed by.
      tls: Which servers are trusted, for https.
      give_up_seconds: For how long a request is repeated.

    Raises:
      ValueError: If that is no such address.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ('http', 'https') or not parts.hostname:
      raise ValueError(
          '`server` must be http://HOST:PORT or https://HOST:PORT, found '
          f'{url}.'
      )
    self._url = url
    options: Dict = {'timeout': _ANSWER_SECONDS}
    if parts.scheme == 'https':
      self._http: http.client.HTTPConnection = http.client.HTTPSConnection(
          parts.hostname, parts.port, context=tls, **options
      )
    else:
      self._http = http.client.HTTPConnection(
          parts.hostname, parts.port, **options
      )
    self._give_up_seconds = give_up_seconds
    self.bytes_sent = 0
    self.bytes_received = 0

  def request(
      self,
      method: str,
      path: str,
      headers: Mapping[str, str],
      body: bytes = b'',
  ) -> Answer:
    """Sends a request until there is an answer.

    Args:
      method: GET, PUT or POST.
      path: What is asked for.
      headers: Of the request.
      body: Of the request.

    Returns:
      The answer, also one that refuses.

    Raises:
      OSError: If there was none for as long as the connection is given.
    """
    end = time.monotonic() + self._give_up_seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
      try:
        answer = self._request_once(method, path, headers, body)
        if answer.status < 500 and answer.status != _BUSY:
          return answer
        reason = answer.sentence
      except ssl.SSLCertVerificationError as error:
        raise OSError(
            f'{self._url} is not trusted: {error.verify_message}.'
        ) from error
      except (OSError, http.client.HTTPException) as error:
        self._http.close()
        reason = str(error) or type(error).__name__
      if time.monotonic() + wait > end:
        raise OSError(f'{self._url} does not answer: {reason}')
      # Not all at once, when a server that was away is back.
      time.sleep(wait * random.uniform(0.5, 1.0))
      wait = min(2 * wait, _LONGEST_WAIT_SECONDS)

  def _request_once(self, method, path, headers, body):
    self._http.request(method, path, body or None, dict(headers))
    self.bytes_sent += len(body)
    response = self._http.getresponse()
    content = response.read(_MAX_ANSWER_BYTES)
    self.bytes_received += len(content)
    return Answer(
        response.status,
        {name.lower(): value for name, value in response.getheaders()},
        content,
    )

  def close(self) -> None:
    """Closes the connection."""
    self._http.close()
