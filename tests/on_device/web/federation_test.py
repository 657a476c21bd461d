"""Ten rounds of tabs and processes, of which some go and come back."""

import asyncio
import contextlib
import re
import unittest

from absl.testing import absltest

from tests.on_device.web import chromium
from tests.on_device.web import device_server
from tests.on_device.web import relay as relay_lib

_NUM_ROUNDS = 10
_VOTE_BYTES = 660
# Of a page; Chromium slows down no worker.
_SLOWER = 4
_REQUESTS = re.compile(
    r'GET /(dashboard|page/[\w./]+)?'
    r'|GET /v1/(federation|model|examples|first_layer|news)'
    r'|GET /v1/rounds/next\?after=\d+'
    r'|POST /v1/clients'
    r'|PUT /v1/rounds/\d+/vote'
)


@chromium.needed
class FederationTest(unittest.IsolatedAsyncioTestCase, absltest.TestCase):

  async def asyncSetUp(self):
    self.stack = contextlib.AsyncExitStack()
    self.addAsyncCleanup(self.stack.aclose)
    self.server = device_server.DeviceServer(
        self.create_tempdir().full_path,
        '--num_clients=6',
        '--clients_per_round=6',
        '--web_clients=4',
        '--quorum=5',
        '--round_seconds=10',
        f'--num_rounds={_NUM_ROUNDS}',
    )
    await self.server.start()
    self.addAsyncCleanup(self.server.kill)
    self.relay = await self.stack.enter_async_context(
        relay_lib.start(self.server.port)
    )
    self.browser = await self.stack.enter_async_context(chromium.start())

  async def _take_part(self):
    tab = await self.browser.open_tab()
    await tab.open(f'http://127.0.0.1:{self.relay.port}/#{self.server.token}')
    await tab.wait_for("Boolean(document.getElementById('token')?.value)")
    await tab.evaluate("document.querySelector('#join button').click()")
    return tab

  async def _wait_until_learned(self, num_rounds):
    async def wait():
      while self.server.num_learned < num_rounds:
        await asyncio.sleep(0.05)

    await asyncio.wait_for(wait(), 60)

  async def test_tabs_and_processes_learn_though_some_go_and_come_back(self):
    tabs = [await self._take_part() for _ in range(4)]
    await tabs[3].call('Emulation.setCPUThrottlingRate', rate=_SLOWER)
    await self._wait_until_learned(3)
    await tabs[1].call('Page.reload')
    await self._wait_until_learned(5)
    await tabs[2].wait_for(
        "(({value}) => value > 0 && value < 0.7)"
        "(document.getElementById('progress'))"
    )
    await tabs[2].close()
    await self.server.kill()
    num_before = self.server.num_learned
    await tabs[0].wait_for(
        "document.getElementById('trouble').textContent.includes('trying')"
    )
    await self.server.start('--resume')
    stayed = [tabs[0], tabs[1], tabs[3]]
    for tab in stayed:
      await tab.wait_for(
          "document.getElementById('doing').textContent.includes('ended')"
      )
      self.assertEmpty(tab.errors)
    await self._wait_until_learned(_NUM_ROUNDS)  # The last accuracy, too.
    rounds = self.server.read_rounds()
    self._check_rounds([r['votes'] for r in rounds if r['votes']], num_before)
    self.assertGreater(rounds[-1]['accuracy'], 0.6)
    await self._check_pages(stayed, len(rounds))
    self._check_traffic(tabs)

  def _check_rounds(self, votes, num_before):
    self.assertLen(votes, _NUM_ROUNDS)
    self.assertEqual(set(votes), {5, 6})
    # Of the tab that has gone none, but in the round that was open, and in one
    # that had ended and was not shown yet.
    self.assertEqual(max(votes[num_before + 2 :]), 5)

  async def _check_pages(self, tabs, num_rounds):
    for tab in tabs:
      points = await tab.evaluate(
          "document.querySelectorAll('circle.after').length"
      )
      # Fewer than rounds: a page that is slow, or away, misses some.
      self.assertBetween(points, 3, num_rounds)
      after = await tab.evaluate("document.getElementById('after').textContent")
      self.assertGreater(float(after.split()[0]), 50)

  def _check_traffic(self, tabs):
    """Nothing leaves a browser but secrets and votes, and to no other host."""
    for tab in tabs:
      self.assertEmpty([
          url for url in tab.requests
          if not url.startswith(f'http://127.0.0.1:{self.relay.port}/')
      ])
    bodies = {'POST': set(), 'PUT': set()}
    for request in self.relay.requests:
      self.assertRegex(request.line, f'^({_REQUESTS.pattern})$')
      self.assertLess(len(request.head), 1500)  # No room for a picture.
      if request.body:
        bodies[request.line.split()[0]].add(len(request.body))
      # Nor is the token in an address, where logs would have it.
      self.assertNotIn(self.server.token, request.line)
    self.assertEqual(bodies, {'POST': {32}, 'PUT': {_VOTE_BYTES}})


if __name__ == '__main__':
  absltest.main()
