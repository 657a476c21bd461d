"""What a device server answers beside the protocol of the rounds."""

from typing import Protocol, Sequence

from aiohttp import web


class Additions(Protocol):
  """More requests, and who is there."""

  def routes(self) -> Sequence[web.AbstractRouteDef]:
    """Returns the requests and what answers them."""

  def is_file(self, path: str) -> bool:
    """Whether a path is of a file, of which a page asks for many at once."""

  def see(self, client: int) -> None:
    """Notes that a client has asked for something."""
