"""LiteRT.js as this package serves it: fetched once, never committed.

`python -m tff_hidenseek.on_device.web.litert_files` fetches it with npm, which
checks the hashes of package-lock.json.
"""

import gzip
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

_HERE = pathlib.Path(__file__).parent
FOLDER = _HERE / 'litert'
_LOCK = 'package-lock.json'
_PACKAGES = 'node_modules/@litertjs'
# Where a browser finds each: those for WebAssembly with and without relaxed
# SIMD, of which it loads one.
_SERVED = {
    'index.js': 'core/dist/index.js',
    'wasm_utils.js': 'wasm-utils/dist/index.js',
    **{
        f'wasm/{name}': f'core/wasm/{name}'
        for kind in ('', '_compat')
        for name in (
            f'litert_wasm{kind}_internal.js',
            f'litert_wasm{kind}_internal.wasm',
        )
    },
}
_HOW_TO_FETCH = (
    'run `make web`, or `python -m tff_hidenseek.on_device.web.litert_files`, '
    'which needs npm'
)


def check() -> None:
  """Raises `FileNotFoundError` unless the files of the lock are there."""
  fetched = FOLDER / _LOCK
  if not fetched.exists() or (
      fetched.read_bytes() != (_HERE / _LOCK).read_bytes()
  ):
    raise FileNotFoundError(
        f'The page needs the files of LiteRT.js in {FOLDER}: {_HOW_TO_FETCH}.'
    )


def fetch() -> None:
  """Fetches the files, each compressed as it is served.

  Raises:
    OSError: If npm is missing or fails.
  """
  with tempfile.TemporaryDirectory() as folder:
    for name in ('package.json', _LOCK):
      shutil.copy(_HERE / name, folder)
    try:
      subprocess.run(
          ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'],
          cwd=folder,
          check=True,
          stdout=sys.stderr,
      )
    except subprocess.CalledProcessError as error:
      raise OSError(f'npm has failed with status {error.returncode}.') from None
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, source in _SERVED.items():
      content = (pathlib.Path(folder) / _PACKAGES / source).read_bytes()
      # A worker has no import map that could say where the other package is.
      content = content.replace(b'"@litertjs/wasm-utils"', b'"./wasm_utils.js"')
      path = FOLDER / f'{name}.gz'
      path.parent.mkdir(parents=True, exist_ok=True)
      path.write_bytes(gzip.compress(content, mtime=0))
    # Last: a fetch that was cut short does not count.
    shutil.copy(_HERE / _LOCK, FOLDER)


def main():
  try:
    check()
  except FileNotFoundError:
    try:
      fetch()
    except OSError as error:
      sys.exit(f'LiteRT.js could not be fetched: {error}')
  print(f'LiteRT.js is in {os.path.relpath(FOLDER)}.')


if __name__ == '__main__':
  main()
