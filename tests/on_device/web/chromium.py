"""Chromium without a window, driven by the DevTools protocol over aiohttp."""

import asyncio
import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from typing import Any, AsyncIterator, Callable, Dict, List, Optional
import unittest

import aiohttp

from tff_hidenseek.on_device.web import litert_files

PROGRAM = shutil.which('chromium')
_ARGUMENTS = (
    '--headless=new',
    '--remote-debugging-port=0',
    '--no-sandbox',  # Tests may run as root.
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--no-default-browser-check',
    # Tabs that are not looked at run on as those that are.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
    # Nothing but this machine has a name.
    '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
)
_START_SECONDS = 60.0
_CALL_SECONDS = 60.0


# Where the tests must run, this is set: see .ci/run.
_MUST_RUN = 'HIDENSEEK_NEEDS_CHROMIUM'


def needed(test_case):
  """Skips a test case where it cannot run, unless it must."""
  missing = []
  if not PROGRAM:
    missing.append('chromium')
  try:
    litert_files.check()
  except FileNotFoundError:
    missing.append('the files that `make web` fetches')
  if missing and not os.environ.get(_MUST_RUN):
    return unittest.skip(f'needs {" and ".join(missing)}')(test_case)
  return test_case


class PageError(Exception):
  """What a page's own program raised."""


class Tab:
  """A page, in a profile of its own or another tab's.

  Attributes:
    context: The name of the profile.
    requests: The addresses of what the page and its workers asked for.
    errors: What its programs raised and did not catch.
  """

  def __init__(
      self, browser: 'Browser', context: str, target: str, session: str
  ):
    self._browser = browser
    self.context = context
    self._target = target
    self._session = session
    self.requests: List[str] = []
    self.errors: List[str] = []

  async def call(self, method: str, **parameters) -> Dict[str, Any]:
    """Calls a method of the DevTools protocol for this tab."""
    return await self._browser.call(method, self._session, **parameters)

  async def evaluate(self, expression: str) -> Any:
    """Returns the value of an expression, awaited if it is a promise.

    Raises:
      PageError: If it throws.
    """
    result = await self.call(
        'Runtime.evaluate',
        expression=expression,
        awaitPromise=True,
        returnByValue=True,
        userGesture=True,
    )
    if 'exceptionDetails' in result:
      raise PageError(str(result['exceptionDetails']))
    return result['result'].get('value')

  async def wait_for(self, expression: str, seconds: float = 60.0) -> Any:
    """Waits until an expression is true; returns its value."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while True:
      with contextlib.suppress(PageError):  # The page may not be there yet.
        if value := await self.evaluate(expression):
          return value
      if loop.time() > end:
        said = await self.evaluate(
            "['doing', 'trouble'].map((id) => document.getElementById(id)"
            "?.textContent).join(' ')"
        )
        raise TimeoutError(f'not true: {expression}: {said} {self.errors}')
      await asyncio.sleep(0.05)

  async def wait_until(
      self, is_true: Callable[[], bool], seconds: float = 60.0
  ) -> None:
    """Waits until something is true on this machine."""

    async def wait():
      while not is_true():
        await asyncio.sleep(0.05)

    await asyncio.wait_for(wait(), seconds)

  async def open(self, url: str) -> None:
    """Goes to a page."""
    await self.call('Page.navigate', url=url)

  async def close(self) -> None:
    """Closes the tab, as its user does."""
    await self._browser.call('Target.closeTarget', targetId=self._target)


class Browser:
  """A connection to a browser that runs."""

  def __init__(self, socket: aiohttp.ClientWebSocketResponse):
    self._socket = socket
    self._numbers = itertools.count(1)
    self._answers: Dict[int, asyncio.Future] = {}
    self._tabs: Dict[str, Tab] = {}
    self._tasks = set()

  async def call(
      self, method: str, session: str = '', **parameters
  ) -> Dict[str, Any]:
    """Calls a method of the DevTools protocol; returns its result."""
    number = next(self._numbers)
    self._answers[number] = asyncio.get_running_loop().create_future()
    message = {'id': number, 'method': method, 'params': parameters}
    if session:
      message['sessionId'] = session
    await self._socket.send_json(message)
    answer = await asyncio.wait_for(self._answers[number], _CALL_SECONDS)
    if 'error' in answer:
      raise PageError(f'{method}: {answer["error"]["message"]}')
    return answer['result']

  async def open_tab(
      self,
      width: int = 1280,
      height: int = 900,
      neighbour: Optional[Tab] = None,
  ) -> Tab:
    """Opens an empty tab.

    Args:
      width: Of the page, in pixels.
      height: The same.
      neighbour: Whose profile it has; without, it has a new one, which shares
        nothing.
    """
    if neighbour:
      context = neighbour.context
    else:
      context = (await self.call('Target.createBrowserContext'))[
          'browserContextId'
      ]
    target = await self.call(
        'Target.createTarget',
        url='about:blank',
        browserContextId=context,
    )
    attached = await self.call(
        'Target.attachToTarget', targetId=target['targetId'], flatten=True
    )
    tab = Tab(self, context, target['targetId'], attached['sessionId'])
    self._tabs[attached['sessionId']] = tab
    await self._listen(attached['sessionId'])
    await tab.call('Page.enable')
    await tab.call(
        'Emulation.setDeviceMetricsOverride',
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    return tab

  async def _listen(self, session: str) -> None:
    """Hears what a page or a worker asks for, before its program starts."""
    await self.call('Network.enable', session)
    await self.call('Runtime.enable', session)
    await self.call(
        'Target.setAutoAttach',
        session,
        autoAttach=True,
        waitForDebuggerOnStart=True,
        flatten=True,
    )
    await self.call('Runtime.runIfWaitingForDebugger', session)

  async def read(self) -> None:
    """Reads what the browser says, until it ends."""
    async for message in self._socket:
      content = message.json()
      if 'id' in content:
        answer = self._answers.pop(content['id'])
        if not answer.done():
          answer.set_result(content)
      else:
        self._hear(content, self._tabs.get(content.get('sessionId')))

  def _hear(self, event, tab):
    if tab is None:
      return
    parameters = event['params']
    if event['method'] == 'Network.requestWillBeSent':
      tab.requests.append(parameters['request']['url'])
    elif event['method'] == 'Runtime.exceptionThrown':
      tab.errors.append(str(parameters['exceptionDetails']))
    elif event['method'] == 'Target.attachedToTarget':
      session = parameters['sessionId']
      self._tabs[session] = tab
      task = asyncio.ensure_future(self._listen(session))
      self._tasks.add(task)
      task.add_done_callback(self._tasks.discard)


@contextlib.asynccontextmanager
async def start() -> AsyncIterator[Browser]:
  """Starts Chromium; it does not outlive the block."""
  folder = tempfile.mkdtemp()
  process = subprocess.Popen(
      [PROGRAM, *_ARGUMENTS, f'--user-data-dir={folder}', 'about:blank'],
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      stdin=subprocess.DEVNULL,
      start_new_session=True,
  )
  try:
    url = await _find_address(folder)
    async with aiohttp.ClientSession() as http:
      async with http.ws_connect(url, max_msg_size=0) as socket:
        browser = Browser(socket)
        reading = asyncio.ensure_future(browser.read())
        try:
          yield browser
        finally:
          reading.cancel()
  finally:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


async def _find_address(folder):
  """Waits until the browser has written where it listens."""
  path = os.path.join(folder, 'DevToolsActivePort')
  for _ in range(int(_START_SECONDS / 0.1)):
    with contextlib.suppress(OSError):
      with open(path, encoding='utf-8') as file:
        if found := re.fullmatch(r'(\d+)\n(\S+)', file.read()):
          return f'ws://127.0.0.1:{found[1]}{found[2]}'
    await asyncio.sleep(0.1)
  raise TimeoutError('Chromium did not start.')
