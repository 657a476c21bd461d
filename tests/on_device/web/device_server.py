"""`binaries.device_server --web` as a process that can be killed."""

import asyncio
import json
import os
import re
import subprocess
import sys

from tools import sources

_FLAG_FILE = 'configs/hidenseek.digits.device.flags'
_START_SECONDS = 120.0


class DeviceServer:
  """The command, in a folder.

  Attributes:
    token: What clients enrol with.
    port: Where it listens; a server that is started again listens there too.
  """

  def __init__(self, folder: str, *arguments: str):
    """Initializes the server; nothing is started yet.

    Args:
      folder: Its --output_dir.
      *arguments: More flags.
    """
    self._folder = folder
    self._arguments = arguments
    self.port = 0

  async def start(self, *arguments: str) -> None:
    """Starts the process, and waits until it listens."""
    self._process = await asyncio.create_subprocess_exec(
        sys.executable,
        '-m',
        'binaries.device_server',
        f'--flagfile={_FLAG_FILE}',
        '--web',
        f'--output_dir={self._folder}',
        f'--port={self.port}',
        *self._arguments,
        *arguments,
        cwd=sources.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    self.port, self.token = await asyncio.wait_for(
        self._read_address(), _START_SECONDS
    )
    # Else it would wait, once the pipe is full.
    self._output = asyncio.ensure_future(self._process.stdout.read())

  async def _read_address(self):
    async for line in self._process.stdout:
      if found := re.match(rb'open http://\S+:(\d+)/#(\S+) to ', line):
        return int(found[1]), found[2].decode()
    raise AssertionError('The server did not start.')

  async def kill(self) -> None:
    """Sends SIGKILL; nothing happens if it has ended."""
    if self._process.returncode is None:
      self._process.kill()
    await self._process.wait()

  def read_rounds(self):
    """Returns the rounds that it has shown until now."""
    path = os.path.join(self._folder, 'web_rounds.json')
    if not os.path.exists(path):
      return []
    with open(path, encoding='utf-8') as file:
      return json.load(file)

  @property
  def num_learned(self) -> int:
    return sum(bool(r['votes']) for r in self.read_rounds())
