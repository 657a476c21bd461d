"""The files of the pages, in memory, and how a browser may use them."""

import hashlib
import pathlib
from typing import Dict

from aiohttp import web
import attrs

from tff_hidenseek.on_device.web import litert_files

_FOLDER = pathlib.Path(__file__).parent / 'page'
_TYPES = {
    '.css': 'text/css',
    '.html': 'text/html',
    '.js': 'text/javascript',
    '.svg': 'image/svg+xml',
    '.wasm': 'application/wasm',
}
_COMPRESSED = '.gz'
_HEADERS = {
    'X-Content-Type-Options': 'nosniff',
    # Asked for at every visit, and sent again only where it has changed.
    'Cache-Control': 'no-cache',
}
# What a page, or a worker, may do is said with its own program.
_PROGRAMS = ('.html', 'worker.js')
_POLICY = {
    # No address but the server's, whatever a page were made to do.
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
        "connect-src 'self'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    'Referrer-Policy': 'no-referrer',
}


@attrs.frozen
class _File:
  """A file as it is sent."""

  body: bytes
  headers: Dict[str, str]


class PageFiles:
  """Answers requests for the pages' files."""

  def __init__(self):
    """Reads the files.

    Raises:
      FileNotFoundError: If those of LiteRT.js are not there.
    """
    litert_files.check()
    self._files: Dict[str, _File] = {}
    for path in _FOLDER.iterdir():
      self._files[path.name] = _read(path)
    for path in litert_files.FOLDER.rglob(f'*{_COMPRESSED}'):
      name = path.relative_to(litert_files.FOLDER).as_posix()
      self._files[f'litert/{name[: -len(_COMPRESSED)]}'] = _read(path)

  def answer(self, request: web.Request, name: str) -> web.Response:
    """Returns a file, or says that the browser has it or that there is none."""
    if name not in self._files:
      raise web.HTTPNotFound()
    file = self._files[name]
    if request.headers.get('If-None-Match') == file.headers['ETag']:
      return web.Response(status=304, headers=file.headers)
    return web.Response(body=file.body, headers=file.headers)


def _read(path: pathlib.Path) -> _File:
  body = path.read_bytes()
  name = path.name.removesuffix(_COMPRESSED)
  headers = {
      **_HEADERS,
      'ETag': f'"{hashlib.sha256(body).hexdigest()[:32]}"',
      'Content-Type': _TYPES[pathlib.Path(name).suffix],
  }
  if name.endswith(_PROGRAMS):
    headers.update(_POLICY)
  if path.suffix == _COMPRESSED:
    headers['Content-Encoding'] = 'gzip'
  return _File(body, headers)
