"""What tests of the pages share: a browser, and a server for it."""

import contextlib
import unittest

from absl.testing import absltest

from tests.on_device.web import chromium
from tests.on_device.web import served_page

# The text of an element, by its id.
TEXT = "document.getElementById('{}').textContent"


class PageCase(unittest.IsolatedAsyncioTestCase, absltest.TestCase):

  async def asyncSetUp(self):
    self.stack = contextlib.AsyncExitStack()
    self.addAsyncCleanup(self.stack.aclose)
    self.browser = await self.stack.enter_async_context(chromium.start())

  async def serve(self, **settings):
    page = served_page.ServedPage(self.create_tempdir().full_path, **settings)
    return await self.stack.enter_async_context(page.serve())

  async def open(self, url, width=1280, height=900, neighbour=None):
    tab = await self.browser.open_tab(width, height, neighbour)
    await tab.open(url)
    await tab.wait_for("document.readyState === 'complete'")
    return tab

  async def join(self, tab):
    await tab.wait_for("Boolean(document.getElementById('token').value)")
    await tab.evaluate("document.querySelector('#join button').click()")

  async def wait_for_text(self, tab, element, text):
    await tab.wait_for(f'{TEXT.format(element)}.includes({text!r})')
