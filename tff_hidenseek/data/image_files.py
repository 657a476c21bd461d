"""One image file as an array: upright, on white, with all of its bits."""

import struct

import numpy as np

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp')
_FORMATS = ('PNG', 'JPEG', 'BMP')
_GREY_MODES = frozenset(['1', 'L', 'LA'])
_COLOUR_MODES = frozenset(['P', 'PA', 'RGB', 'RGBA', 'CMYK', 'YCbCr'])
_ORIENTATION = 0x0112  # The EXIF tag.
# Where a PNG says how many bits a channel has.
_PNG_DEPTH_OFFSET = 24


def read_image(path: str) -> np.ndarray:
  """Reads a PNG, JPEG or BMP image.

  A photograph is turned as its EXIF tag says, and what is transparent is shown
  on white.

  Args:
    path: The file.

  Returns:
    The pixels [height, width, channels], with 1 channel if the file is grey,
    else 3: uint8, or float32 in [0, 1] if the file has 16 bits a channel.

  Raises:
    ValueError: If the file is damaged or of another format.
  """
  # It takes a tenth of a second, and most data sets need none.
  from PIL import Image  # pylint: disable=g-import-not-at-top
  try:
    with Image.open(path, formats=_FORMATS) as image:
      if image.format == 'PNG' and _read_depth(path) == 16:
        return _read_deep_png(path, image)
      if image.mode not in _GREY_MODES | _COLOUR_MODES:
        raise ValueError(f'pixels of mode {image.mode}')
      return _read_bytes(image)
  except (OSError, SyntaxError, ValueError, EOFError, struct.error,
          Image.DecompressionBombError) as e:
    raise ValueError(
        f'{path}: must be a PNG, JPEG or BMP image, found another or a damaged '
        f'file ({e}).') from e


def _read_bytes(image) -> np.ndarray:
  """Returns the pixels of a PIL image with at most 8 bits a channel."""
  from PIL import Image  # pylint: disable=g-import-not-at-top
  from PIL import ImageOps  # pylint: disable=g-import-not-at-top
  is_grey = image.mode in _GREY_MODES
  image = ImageOps.exif_transpose(image)
  if image.has_transparency_data:
    white = Image.new('RGBA', image.size, 'white')
    image = Image.alpha_composite(white, image.convert('RGBA'))
  pixels = np.asarray(image.convert('L' if is_grey else 'RGB'))
  return pixels.reshape(*pixels.shape[:2], -1)


def _read_depth(path: str) -> int:
  with open(path, 'rb') as file:
    return file.read(_PNG_DEPTH_OFFSET + 1)[_PNG_DEPTH_OFFSET]


def _read_deep_png(path: str, image) -> np.ndarray:
  """Returns the pixels of a PNG with 16 bits, of which PIL drops the lower."""
  import tensorflow as tf  # pylint: disable=g-import-not-at-top
  if image.getexif().get(_ORIENTATION, 1) != 1:
    raise ValueError('16 bits a channel and to be turned: save it upright')
  with open(path, 'rb') as file:
    content = file.read()
  try:
    pixels = tf.io.decode_png(content, dtype=tf.uint16).numpy() / 65535
  except tf.errors.InvalidArgumentError as e:
    raise ValueError(e.message) from e
  if pixels.shape[-1] in (2, 4):
    opacity = pixels[..., -1:]
    pixels = opacity * pixels[..., :-1] + (1 - opacity)
  return pixels.astype(np.float32)
