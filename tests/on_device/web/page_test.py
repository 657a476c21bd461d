"""What a visitor does with the page, in Chromium."""

import os
import pathlib

from absl.testing import absltest
import numpy as np
from PIL import Image

from tests.export import trained_models
from tests.on_device.web import chromium
from tests.on_device.web import page_case
from tests.on_device.web import served_page
from tff_hidenseek.export import agreement
from tff_hidenseek.export import formats
from tff_hidenseek.export import litert
from tff_hidenseek.export import sign_places

_KEPT = """import(
    new URL('storage.js', document.scripts[0].src)
).then(async ({Storage}) => {
  const storage = await Storage.open();
  const names = [
    'client', 'layer', 'model', 'own', 'scores', 'shard', 'tally',
  ];
  const values = await Promise.all(names.map((name) => storage.read(name)));
  return names.filter((_, i) => values[i] !== undefined);
})"""


_OWN_PICTURES = """import(
    new URL('storage.js', document.scripts[0].src)
).then(async ({Storage}) => {
  const {x} = await (await Storage.open()).read('own');
  return [64, 128].map((start) => [...x.subarray(start, start + 64)]);
})"""


@chromium.needed
class PageTest(page_case.PageCase):

  async def _draw_line(self, tab):
    await tab.evaluate(
        "void document.getElementById('canvas').scrollIntoView()"
    )
    x, y, width = await tab.evaluate(
        '(({x, y, width}) => [x, y, width])('
        "document.getElementById('canvas').getBoundingClientRect())"
    )
    for kind, part in (
        ('mousePressed', 0.2), ('mouseMoved', 0.8), ('mouseReleased', 0.8)
    ):
      await tab.call(
          'Input.dispatchMouseEvent',
          type=kind,
          x=x + width / 2,
          y=y + part * width,
          button='left',
          clickCount=1,
      )

  async def test_visitor_draws_asks_teaches_takes_the_model_and_is_forgotten(
      self
  ):
    page = await self.serve(num_clients=1, num_rounds=1000)
    tab = await self.open(page.link)
    await self.join(tab)
    await self.wait_for_text(tab, 'flips', 'of all')
    self.assertEqual(
        await tab.evaluate(page_case.TEXT.format('num-examples')), '64'
    )
    await self._draw_line(tab)
    await self.wait_for_text(tab, 'answer', 'The global model says')
    await tab.evaluate("document.querySelector('#teach button').click()")
    await self.wait_for_text(tab, 'num-own', '1')
    await self.wait_for_text(tab, 'num-examples', '65')
    await self._add_pictures(tab)
    await self._check_pause(tab)
    await self._check_own_files(tab, page.folder)
    self.assertLen(await tab.evaluate(_KEPT), 7)
    await tab.evaluate("document.getElementById('forget').click()")
    await tab.wait_for("document.getElementById('join')?.hidden === false")
    self.assertEmpty(await tab.evaluate(_KEPT))
    self.assertEmpty(tab.errors)

  async def _add_pictures(self, tab):
    folder = self.create_tempdir().full_path
    # A bar of ink on paper, the same as paper's colour on ink, and no picture.
    for name, ink, paper in (('1_dark', 0, 255), ('1_light', 255, 0)):
      pixels = np.full([40, 60], paper, np.uint8)
      pixels[5:35, 28:32] = ink
      Image.fromarray(pixels).save(f'{folder}/{name}.png')
    for name in ('1_broken.png', 'x.png'):
      with open(os.path.join(folder, name), 'wb') as file:
        file.write(b'no picture')
    document = await tab.call('DOM.getDocument')
    found = await tab.call(
        'DOM.querySelector',
        nodeId=document['root']['nodeId'],
        selector='#pictures',
    )
    await tab.call(
        'DOM.setFileInputFiles',
        nodeId=found['nodeId'],
        files=[
            os.path.join(folder, name)
            for name in ('1_dark.png', '1_light.png', '1_broken.png', 'x.png')
        ],
    )
    await self.wait_for_text(tab, 'answer', 'next round: 2.')
    answer = await tab.evaluate(page_case.TEXT.format('answer'))
    self.assertIn(' 1_broken.png: ', answer)
    self.assertIn(' x.png: Its name must begin with 0 to 9.', answer)
    await self.wait_for_text(tab, 'num-examples', '67')
    dark, light = await tab.evaluate(_OWN_PICTURES)
    np.testing.assert_allclose(dark, light, atol=0.01)
    # The bar stands in the middle, and fills most of the height.
    bar = np.reshape(dark, [8, 8])
    self.assertGreater(bar[1:7, 3:5].min(), 0.4)
    self.assertEqual(bar[:, [0, 1, 2, 5, 6, 7]].max(), 0)

  async def _check_pause(self, tab):
    await tab.evaluate("document.getElementById('pause').click()")
    await self.wait_for_text(tab, 'doing', 'Paused')
    before = await tab.evaluate("document.getElementById('progress').value")
    self.assertEqual(
        await tab.evaluate(
            'new Promise((resolve) => setTimeout(() => resolve('
            "document.getElementById('progress').value), 300))"
        ),
        before,
    )

  async def _check_own_files(self, tab, server_folder):
    folder = self.create_tempdir().full_path
    await self.browser.call(
        'Browser.setDownloadBehavior',
        behavior='allow',
        downloadPath=folder,
        browserContextId=tab.context,
    )
    votes = await tab.evaluate(
        "import(new URL('worker_calls.js', document.scripts[0].src))"
        ".then(({ask}) => ask('readSigns'))"
        '.then(({after}) => [...after])'
    )
    self.assertBetween(sum(votes), 1, len(votes) - 1)
    path = await self._download(tab, folder, 'trainable')
    scores = litert.open_file(path).get_signature_runner('get_scores')()
    np.testing.assert_array_equal(scores['scores'] >= 0, votes)
    images = trained_models.load_digits().test_x
    expected = formats.FORMATS['tflite_trainable'].read(path)(images)
    float32 = formats.FORMATS['tflite_float32']
    path = await self._download(tab, folder, 'float32')
    logits = float32.read(path)(images)
    agreement.check('float32', logits, expected, float32.bounds)
    path = await self._download(tab, folder, 'int8')
    exported = os.path.join(
        server_folder,
        served_page.EXPORT_FOLDER,
        formats.FORMATS['tflite_int8'].file_name,
    )
    # That these bytes answer as the signs' model, sign_places_test checks.
    places = sign_places.find(
        pathlib.Path(exported).read_bytes(), served_page.build_exported_model()
    )
    self.assertEqual(
        pathlib.Path(path).read_bytes(), places.write(np.array(votes, bool))
    )

  async def _download(self, tab, folder, flavour):
    await tab.evaluate(
        f"void (document.getElementById('flavour').value = '{flavour}')"
    )
    await tab.evaluate("document.querySelector('#download button').click()")
    path = os.path.join(folder, f'my_model_{flavour}.tflite')
    said = page_case.TEXT.format('download-said')
    await tab.wait_for(f"!{said}.startsWith('Making ')")
    self.assertEqual(await tab.evaluate(said), '')
    await tab.wait_until(lambda: os.path.exists(path))
    return path

  async def test_nothing_is_wider_than_a_phone_and_all_has_a_name(self):
    page = await self.serve(num_clients=1, num_rounds=3)
    tab = await self.open(page.link, width=360, height=740)
    await self.join(tab)
    await self.wait_for_text(tab, 'doing', 'ended')
    for url in (page.link, f'{page.url}/dashboard'):
      tab = await self.open(url, width=360, height=740)
      await tab.wait_for("Boolean(document.querySelector('svg text'))")
      self.assertEqual(
          await tab.evaluate('document.documentElement.scrollWidth'), 360
      )
      tree = await tab.call('Accessibility.getFullAXTree')
      self.assertEmpty([
          node
          for node in tree['nodes']
          if not node['ignored']
          and node['role']['value']
          in ('button', 'textbox', 'combobox', 'image', 'progressbar', 'link')
          and not node['name']['value']
      ])
    self.assertEqual(
        await tab.evaluate("document.querySelectorAll('tbody tr').length"), 3
    )
    self.assertEqual(
        await tab.evaluate(page_case.TEXT.format('learned')), '3 of 3'
    )


if __name__ == '__main__':
  absltest.main()
