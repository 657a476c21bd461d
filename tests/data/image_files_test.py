import os
import struct
import tempfile
import unittest
import zlib

import numpy as np
from PIL import Image

from tff_hidenseek.data import image_files

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # By the number of channels.


def _encode_deep_png(pixels):
  """Encodes uint16[h, w, c] as a PNG, which PIL cannot write in colour."""
  height, width, num_channels = pixels.shape

  def chunk(kind, data):
    crc = struct.pack('>I', zlib.crc32(kind + data))
    return struct.pack('>I', len(data)) + kind + data + crc

  rows = b''.join(b'\0' + row.astype('>u2').tobytes() for row in pixels)
  header = struct.pack(
      '>IIBBBBB', width, height, 16, _COLOUR_TYPES[num_channels], 0, 0, 0)
  return b''.join([
      b'\x89PNG\r\n\x1a\n', chunk(b'IHDR', header),
      chunk(b'IDAT', zlib.compress(rows)), chunk(b'IEND', b'')])


class ImageFilesTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self.folder = folder.name

  def _read(self, image, name='1.png', **options):
    path = os.path.join(self.folder, name)
    image.save(path, **options)
    return image_files.read_image(path)

  def _read_deep(self, pixels):
    path = os.path.join(self.folder, 'deep.png')
    with open(path, 'wb') as file:
      file.write(_encode_deep_png(np.asarray(pixels, np.uint16)))
    return image_files.read_image(path)

  def test_reads_bitmaps(self):
    pixels = np.arange(18, dtype=np.uint8).reshape(3, 2, 3)
    read = self._read(Image.fromarray(pixels), '1.bmp')
    np.testing.assert_array_equal(read, pixels)
    read = self._read(Image.fromarray(pixels[..., 0]), '2.bmp')
    np.testing.assert_array_equal(read, pixels[..., :1])

  def test_a_drawing_in_the_alpha_channel_is_seen(self):
    # Black everywhere; the stroke is where it is opaque.
    alpha = np.zeros((3, 2), np.uint8)
    alpha[1] = 255
    alpha[2, 0] = 51
    black = np.zeros((3, 2, 3), np.uint8)
    read = self._read(Image.fromarray(np.dstack([black, alpha]), 'RGBA'))
    expected = np.array([[255, 255], [0, 0], [204, 255]])
    np.testing.assert_array_equal(read, np.dstack([expected] * 3))
    read = self._read(Image.fromarray(np.dstack([black[..., 0], alpha]), 'LA'))
    np.testing.assert_array_equal(read, expected[..., np.newaxis])

  def test_a_transparent_entry_of_a_palette_is_white(self):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), 'P')
    image.putpalette([9, 9, 9, 7, 8, 9])
    np.testing.assert_array_equal(
        self._read(image, transparency=0), [[[255] * 3, [7, 8, 9]]])

  def test_what_is_opaque_keeps_its_bits(self):
    pixels = np.random.default_rng(0).integers(
        256, size=(9, 9, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    np.testing.assert_array_equal(
        self._read(Image.fromarray(pixels)), pixels[..., :3])

  def test_turns_photographs_as_exif_says(self):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :8] = 255  # Bright in its upper left corner.
    stored_as = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }
    for orientation, stored in stored_as.items():
      for name in ('1.jpg', '1.png'):
        with self.subTest(orientation=orientation, name=name):
          exif = Image.Exif()
          exif[0x0112] = orientation
          read = self._read(
              Image.fromarray(np.ascontiguousarray(stored)), name, exif=exif)
          self.assertEqual(read.shape, (16, 32, 1))
          np.testing.assert_allclose(read[..., 0], upright, atol=12)

  def test_sixteen_bits_keep_their_lower_byte(self):
    for num_channels in (1, 3):
      with self.subTest(num_channels=num_channels):
        pixels = np.full((3, 2, num_channels), 0x1234)
        pixels[1, 1, -1] = 0x12ff
        pixels[2, 0, 0] = 65535
        read = self._read_deep(pixels)
        self.assertEqual(read.dtype, np.float32)
        np.testing.assert_array_equal(read, np.float32(pixels / 65535))

  def test_sixteen_bits_of_transparency_are_shown_on_white(self):
    for num_channels in (2, 4):
      with self.subTest(num_channels=num_channels):
        pixels = np.zeros((1, 3, num_channels))
        pixels[0, :, -1] = [0, 65535, 13107]
        read = self._read_deep(pixels)
        self.assertEqual(read.shape, (1, 3, num_channels - 1))
        np.testing.assert_allclose(read[0, :, 0], [1, 0, .8], rtol=1e-6)

  def test_names_a_damaged_image_of_sixteen_bits(self):
    content = _encode_deep_png(np.full((30, 20, 3), 0x1234, np.uint16))
    path = os.path.join(self.folder, 'damaged.png')
    for size in (20, 40, len(content) - 20):
      with open(path, 'wb') as file:
        file.write(content[:size])
      with self.subTest(size=size):
        with self.assertRaisesRegex(ValueError, 'damaged.png: must be a PNG'):
          image_files.read_image(path)


if __name__ == '__main__':
  unittest.main()
