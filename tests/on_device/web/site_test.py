"""Tests of what a server with pages answers."""

import base64
import contextlib
import json
import re
import unittest

from absl.testing import absltest
import aiohttp

from tests.on_device import counting_federation
from tests.on_device.web import chromium
from tests.on_device.web import served_page


@chromium.needed
class SiteTest(unittest.IsolatedAsyncioTestCase, absltest.TestCase):

  async def asyncSetUp(self):
    self.stack = contextlib.AsyncExitStack()
    self.addAsyncCleanup(self.stack.aclose)
    page = await self.stack.enter_async_context(
        served_page.ServedPage(
            self.create_tempdir().full_path, num_clients=2
        ).serve()
    )
    self.http = await self.stack.enter_async_context(
        aiohttp.ClientSession(page.url)
    )

  async def _enrol(self, index):
    secret = bytes([index]) * 32
    async with self.http.post(
        '/v1/clients',
        data=secret,
        headers={'Authorization': f'Bearer {counting_federation.TOKEN}'},
    ) as answer:
      self.assertEqual(answer.status, 200)
    text = base64.urlsafe_b64encode(secret).decode().rstrip('=')
    return {'Authorization': f'Bearer {text}'}

  async def _find_folder(self):
    async with self.http.get('/') as answer:
      return re.search(r'/page/\w{32}/', await answer.text())[0]

  async def test_pages_and_workers_may_speak_to_the_server_alone(self):
    worker = await self._find_folder() + 'worker.js'
    for path in ('/', '/dashboard', worker):
      async with self.http.get(path) as answer:
        policy = answer.headers['Content-Security-Policy']
      self.assertStartsWith(policy, "default-src 'none'; ")
      self.assertIn("connect-src 'self';", policy)
      self.assertNotIn('http', policy)
      self.assertNotIn('*', policy)

  async def test_page_that_a_browser_has_is_not_sent_again(self):
    async with self.http.get('/') as answer:
      self.assertEqual(answer.headers['Cache-Control'], 'no-cache')
      tag = answer.headers['ETag']
    async with self.http.get('/', headers={'If-None-Match': tag}) as answer:
      self.assertEqual((answer.status, await answer.read()), (304, b''))
    async with self.http.get('/', headers={'If-None-Match': '"x"'}) as answer:
      self.assertEqual(answer.status, 200)

  async def test_what_a_page_loads_is_kept_at_an_address_of_its_content(self):
    folder = await self._find_folder()
    path = 'litert/wasm/litert_wasm_internal.wasm'
    async with self.http.get(folder + path) as answer:
      self.assertEqual((await answer.read())[:4], b'\0asm')
      self.assertIn('immutable', answer.headers['Cache-Control'])
    for other in ('/page/', f'/page/{"0" * 32}/'):
      async with self.http.get(other + path) as answer:
        self.assertEqual(answer.status, 404)

  async def test_only_the_files_of_the_page_are_sent(self):
    for path in ('/page/', '/page/x.js', '/page/%2e%2e/site.py', '/page/..%2f'):
      async with self.http.get(path) as answer:
        self.assertEqual(answer.status, 404)
        self.assertStartsWith(await answer.text(), 'There is no GET ')

  async def test_examples_are_for_clients_as_long_as_there_are_any(self):
    async with self.http.get('/v1/examples') as answer:
      self.assertEqual(answer.status, 401)
    headers = [await self._enrol(index) for index in (1, 2)]
    for _ in range(2):
      async with self.http.get('/v1/examples', headers=headers[0]) as answer:
        content = await answer.read()
      self.assertLen(content, 4 * (4 + 64 + 64 * 8 * 8))
    async with self.http.get('/v1/examples', headers=headers[1]) as answer:
      self.assertEqual(answer.status, 404)
      self.assertStartsWith(await answer.text(), 'All 1 shards of examples')

  async def test_own_files_are_for_clients_and_of_two_flavours(self):
    async with self.http.get('/v1/own_files/int8') as answer:
      self.assertEqual(answer.status, 401)
    headers = await self._enrol(1)
    async with self.http.get('/v1/own_files/x', headers=headers) as answer:
      self.assertEqual(answer.status, 404)

  async def test_news_say_who_is_there(self):
    await self._enrol(1)
    async with self.http.get('/v1/news') as answer:
      line = await answer.content.readline()
    self.assertEqual(
        json.loads(line.removeprefix(b'data: ')),
        dict(
            version=1, round=1, num_learned=0, num_rounds=2, is_over=False,
            enrolled=1, present=0, rounds=[],
        ),
    )


if __name__ == '__main__':
  absltest.main()
