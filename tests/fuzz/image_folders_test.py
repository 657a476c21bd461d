"""Folders of any files: a data set as it must be, or a sentence."""

import io
import os
import shutil
import tempfile
import warnings

from absl.testing import absltest
from hypothesis import strategies as st
import numpy as np
from PIL import Image

from tests.fuzz import data_checks
from tests.fuzz import inputs
from tff_hidenseek.data import data_summary
from tff_hidenseek.data import datasets

_MODES = {
    'png': ('1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16', 'I'),
    'jpeg': ('L', 'RGB', 'CMYK'),
    'bmp': ('1', 'L', 'P', 'RGB', 'RGBA'),
    'gif': ('P',),
    'tiff': ('F', 'LAB', 'I;16'),
}
_SIZES = ((4, 3),) * 8 + ((3, 4), (1, 1), (5, 5))
_SUFFIXES = ('.png',) * 5 + (
    '.jpg', '.jpeg', '.bmp', '.PNG', '.tiff', '.gif', '.txt', '', '.jfif')
_FOLDERS = ('train',) * 8 + (
    'training', 'Train', 'test', 'testing', 'val', 'validation', 'tset', '.git')
_CLASSES = ('a', 'b', 'a', 'b', 'c', '\u00e9\u4e2d', '0', 'a b', '.hidden')


def _encode(kind, mode, size, orientation):
  """Returns the bytes of a file with random pixels."""
  width, height = size
  rng = np.random.default_rng(width + 10 * orientation)
  pixels = rng.integers(0, 256, (height, width, 4), np.uint8)
  if mode in ('I;16', 'I', 'F'):
    dtype = dict(I=np.int32, F=np.float32).get(mode, np.uint16)
    image = Image.fromarray(pixels[..., 0].astype(dtype) * 200)
  else:
    image = Image.fromarray(pixels, 'RGBA')
    if mode == 'LAB':
      image = Image.new('LAB', size)
    elif mode != 'RGBA':
      image = image.convert('RGB').convert(mode)
  content, more = io.BytesIO(), {}
  if orientation and kind in ('png', 'jpeg'):
    exif = Image.Exif()
    exif[0x0112] = orientation
    more['exif'] = exif
  if mode == 'P' and kind == 'png' and orientation:
    more['transparency'] = 0
  image.save(content, kind, **more)
  return content.getvalue()


@st.composite
def _files(draw):
  """Draws the bytes of one file."""
  kind = draw(st.sampled_from(('png',) * 6 + tuple(_MODES)))
  content = _encode(
      kind,
      draw(st.sampled_from(_MODES[kind])),
      draw(st.sampled_from(_SIZES)),
      draw(st.sampled_from((0, 0, 0, 0, 1, 3, 6, 9))),
  )
  return draw(inputs.mutated(content)) if not draw(st.integers(0, 7)) else (
      content)


@st.composite
def _trees(draw):
  """Draws files by their paths; `None` is an empty folder."""
  plain = _encode('png', draw(st.sampled_from(_MODES['png'])), (4, 3), 0)
  tree = {
      f'train/{name}/{i}.png': plain for name in ('a', 'b') for i in range(2)
  }
  if draw(st.booleans()):
    tree['test/a/0.png'] = plain
  for _ in range(draw(st.integers(0, 3))):
    parts = [
        draw(st.sampled_from(_FOLDERS)),
        draw(st.sampled_from(_CLASSES)),
        draw(st.sampled_from('01.x\u00e9')) + draw(st.sampled_from(_SUFFIXES)),
    ]
    depth = draw(st.sampled_from([1, 2, 3, 3, 3, 3, 4]))
    path = os.path.join(*(parts + ['0.png'])[:depth])
    tree[path] = draw(_files()) if draw(st.integers(0, 9)) else None
  for path in draw(st.lists(st.sampled_from(sorted(tree)), max_size=1)):
    if draw(st.booleans()):
      del tree[path]
  return tree


class ImageFoldersTest(absltest.TestCase):

  def _write(self, tree):
    root = tempfile.mkdtemp(dir=self._folder)
    for path, content in tree.items():
      path = os.path.join(root, path)
      try:
        if content is None:
          os.makedirs(path, exist_ok=True)
          continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
          file.write(content)
      except (FileExistsError, NotADirectoryError, IsADirectoryError):
        pass  # Another file or folder has the name.
    return root

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)

  @inputs.fuzz('image_folders', _trees())
  def test_image_folders(self, tree):
    root = self._write(tree)
    with warnings.catch_warnings():
      warnings.simplefilter('error', RuntimeWarning)
      dataset = inputs.result_or_sentence(
          lambda: datasets.load_dataset(f'images:{root}'), root
      )
    if dataset is not None:
      data_checks.check_dataset(self, dataset)
      self.assertTrue(data_summary.describe(dataset))
    shutil.rmtree(root)


if __name__ == '__main__':
  absltest.main()
