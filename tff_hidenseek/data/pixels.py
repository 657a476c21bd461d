"""Arrays of images: checked, and brought to float32 in [0, 1]."""

from typing import Any, Tuple

import numpy as np

# How many channels images have. In the last axis any number is taken.
_CHANNELS = (1, 2, 3, 4)


def check_images(
    name: str, key: str, images: Any, num_labels: int
) -> Tuple[np.ndarray, Tuple[str, ...]]:
  """Checks the images of one split and brings them to their one form.

  Args:
    name: The data set's name, which every error repeats.
    key: The array's name, likewise.
    images: uint8, or floating in [0, 1], of shape [n, h, w], [n, h, w, c] or,
      with one or three channels, [n, c, h, w].
    num_labels: How many images there must be.

  Returns:
    The images, float32[n, h, w, c] in [0, 1], and a sentence for each thing
    that was done to them which their owner should know.

  Raises:
    ValueError: If they break one of these rules.
  """
  images = np.asarray(images)
  if images.ndim not in (3, 4) or 0 in images.shape[1:]:
    raise ValueError(
        f'{name}: `{key}` must have shape [n, h, w] or [n, h, w, c], found '
        f'{images.shape}.')
  if len(images) != num_labels:
    raise ValueError(
        f'{name}: `{key}` must have one image for each of its {num_labels} '
        f'labels, found {len(images)} images.')
  if images.ndim == 3:
    images = images[..., np.newaxis]
  images, notes = _put_channels_last(name, key, images)
  return _to_unit_interval(name, key, images), notes


def _put_channels_last(
    name: str, key: str, images: np.ndarray
) -> Tuple[np.ndarray, Tuple[str, ...]]:
  """Recognises channels before the height by a last axis too long for them."""
  first, last = images.shape[1], images.shape[-1]
  if last in _CHANNELS or first not in _CHANNELS:
    return images, ()
  if first not in (1, 3):
    raise ValueError(
        f'{name}: `{key}` must have shape [n, h, w, c], found {images.shape}, '
        f'of which the {first} may be channels or the height: put the channels '
        'last.')
  images = np.moveaxis(images, 1, -1)
  return images, (
      f'`{key}` has its {first} {"channel" if first == 1 else "channels"} '
      f'first, as PyTorch has: read as images of {images.shape[1:]}.',)


def _to_unit_interval(
    name: str, key: str, images: np.ndarray
) -> np.ndarray:
  if images.dtype == np.uint8:
    return np.divide(images, np.float32(255), dtype=np.float32)
  if images.dtype.kind != 'f':
    raise ValueError(
        f'{name}: `{key}` must hold uint8, or floats in [0, 1], found '
        f'{images.dtype}.')
  low, high = images.min(), images.max()
  if np.isnan(low):
    raise ValueError(
        f'{name}: `{key}` must hold finite pixels, found NaN in image '
        f'{_first_nan(images)}.')
  if low < 0 or high > 1:
    raise ValueError(
        f'{name}: `{key}` must hold uint8, or floats in [0, 1], found floats '
        f'in [{low:.9g}, {high:.9g}].')
  return images.astype(np.float32, copy=False)


def _first_nan(images: np.ndarray) -> int:
  return next(i for i, image in enumerate(images) if np.isnan(image).any())
