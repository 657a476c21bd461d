"""How pages and servers meet that know, or do not know, each other."""

import asyncio

from absl.testing import absltest

from tests.on_device.web import chromium
from tests.on_device.web import page_case
from tests.on_device.web import served_page


@chromium.needed
class VisitsTest(page_case.PageCase):

  async def test_second_tab_and_second_browser_are_told_why_not(self):
    page = await self.serve(num_clients=1, num_rounds=1000)
    first = await self.open(page.link)
    await self.join(first)
    await self.wait_for_text(first, 'flips', 'of all')
    second = await self.open(page.link, neighbour=first)
    await self.wait_for_text(
        second, 'trouble', 'Another tab of this browser takes part already.'
    )
    stranger = await self.open(page.link)
    await self.join(stranger)
    await self.wait_for_text(stranger, 'trouble', 'All 1 places are taken.')

  async def test_federation_that_begins_anew_is_joined_anew(self):
    old = served_page.ServedPage(
        self.create_tempdir().full_path, num_clients=1, num_rounds=1000
    )
    async with old.serve():
      tab = await self.open(old.link)
      await self.join(tab)
      await tab.wait_for("document.querySelectorAll('circle.after').length > 2")
    new = served_page.ServedPage(
        self.create_tempdir().full_path, num_clients=1, num_rounds=1
    )
    async with new.serve(old.port):
      await self.wait_for_text(tab, 'trouble', 'no client that has enrolled')
      await tab.call('Page.reload')
      await self.wait_for_text(tab, 'doing', 'ended')
    self.assertEqual(
        await tab.evaluate("document.querySelectorAll('circle.after').length"),
        1,
    )

  async def test_another_link_in_the_same_tab_is_read(self):
    page = await self.serve(num_clients=1, num_rounds=1)
    tab = await self.open(f'{page.url}/#wrong')
    await self.join(tab)
    await self.wait_for_text(tab, 'trouble', 'token is not the one')
    await tab.evaluate(f'void (location.href = {page.link!r})')
    await tab.wait_for(
        "!['', 'wrong'].includes(document.getElementById('token')?.value ?? '')"
    )
    await self.join(tab)
    await self.wait_for_text(tab, 'doing', 'ended')

  async def test_dashboard_of_a_server_that_ended_tells_no_trouble(self):
    page = served_page.ServedPage(
        self.create_tempdir().full_path, num_clients=1, num_rounds=1
    )
    async with page.serve():
      dashboard = await self.open(f'{page.url}/dashboard')
      tab = await self.open(page.link)
      await self.join(tab)
      await self.wait_for_text(dashboard, 'doing', 'ended')
    # Its line is cut off by now, and it has asked for another in vain.
    await asyncio.sleep(4)
    self.assertIn(
        'has ended', await dashboard.evaluate(page_case.TEXT.format('doing'))
    )

  async def test_other_version_is_told_in_a_sentence(self):
    page = await self.serve(num_clients=1)
    tab = await self.open(page.url)
    self.assertEqual(
        await tab.evaluate("""(async () => {
          const {Connection} = await import(
              new URL('protocol.js', document.scripts[0].src));
          const connection = new Connection(() => {});
          connection.request = async () => ({
            body: new TextEncoder().encode('{"version": 2}'),
          });
          return connection.describe().catch((error) => error.message);
        })()"""),
        'This page speaks version 1 of the protocol and the server version 2: '
        'open the page that the server has.',
    )


if __name__ == '__main__':
  absltest.main()
