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
}
# A page is asked for at every visit, and sent again only where it has changed;
# what it loads has another address then.
_OF_A_PAGE = {'Cache-Control': 'no-cache'}
_OF_OTHERS = {'Cache-Control': 'max-age=31536000, immutable'}
_PAGE = '.html'
# What a page, or a worker, may do is said with its own program.
_PROGRAMS = (_PAGE, 'worker.js')
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
    # Their headers, too: a browser keeps these as long, and a tag is of a body.
    heads = [(name, self._files[name].headers) for name in sorted(self._files)]
    self._folder = f'{_digest(repr(heads).encode())}/'
    for name, file in self._files.items():
      if name.endswith(_PAGE):
        self._files[name] = _make_page(name, file.body, self._folder)

  def answer_page(self, request: web.Request, name: str) -> web.Response:
    """Returns a page, or says that the browser has it."""
    return _answer(request, self._files[name])

  def answer(self, request: web.Request, path: str) -> web.Response:
    """Returns what a page loads, or says that there is none.

    Args:
      request: The request.
      path: The file's name in the folder of all files' hash.
    """
    name = path.removeprefix(self._folder)
    if name == path or name not in self._files:
      raise web.HTTPNotFound()
    return _answer(request, self._files[name])


def _answer(request, file):
  if request.headers.get('If-None-Match') == file.headers['ETag']:
    return web.Response(status=304, headers=file.headers)
  return web.Response(body=file.body, headers=file.headers)


def _digest(content: bytes) -> str:
  return hashlib.sha256(content).hexdigest()[:32]


def _make_page(name: str, body: bytes, folder: str) -> _File:
  """Makes a page load what lies in a folder."""
  return _make_file(name, body.replace(b'"/page/', f'"/page/{folder}'.encode()))


def _read(path: pathlib.Path) -> _File:
  return _make_file(path.name, path.read_bytes())


def _make_file(file_name: str, body: bytes) -> _File:
  name = file_name.removesuffix(_COMPRESSED)
  headers = {
      **_HEADERS,
      **(_OF_A_PAGE if name.endswith(_PAGE) else _OF_OTHERS),
      'ETag': f'"{_digest(body)}"',
      'Content-Type': _TYPES[pathlib.Path(name).suffix],
  }
  if name.endswith(_PROGRAMS):
    headers.update(_POLICY)
  if file_name.endswith(_COMPRESSED):
    headers['Content-Encoding'] = 'gzip'
  return _File(body, headers)
