"""The one form in which image data is used, and the check at its edge."""

from typing import Any, Optional

import attrs
import numpy as np


@attrs.frozen(eq=False)
class ImageDataset:
  """Labelled images, divided into a training and a test split.

  Attributes:
    name: The name the data set was loaded by.
    train_x: Training images, float32[n, height, width, channels] in [0, 1].
    train_y: Training labels, int32[n] in [0, num_classes).
    test_x: Test images, as `train_x`.
    test_y: Test labels, as `train_y`.
    num_classes: The number of classes, at least 2.
    writers: int32[n], the natural client of each training example; `None`
      where the data has no natural clients.
  """
  name: str
  train_x: np.ndarray
  train_y: np.ndarray
  test_x: np.ndarray
  test_y: np.ndarray
  num_classes: int
  writers: Optional[np.ndarray] = None

  @property
  def image_shape(self) -> tuple:
    """(height, width, channels)."""
    return self.train_x.shape[1:]


def from_arrays(
    name: str,
    x_train: Any,
    y_train: Any,
    x_test: Any,
    y_test: Any,
    num_classes: Optional[int] = None,
    writers: Optional[np.ndarray] = None,
) -> ImageDataset:
  """Checks raw arrays and makes an `ImageDataset` of them.

  Args:
    name: The data set's name, which every error repeats.
    x_train: Images [n, h, w] or [n, h, w, c], uint8 or floating in [0, 1].
    y_train: Integer labels [n] or [n, 1].
    x_test: As `x_train`, with the same h, w and c.
    y_test: As `y_train`.
    num_classes: The number of classes; `None` takes the largest training
      label plus one.
    writers: The natural client of each training example, an integer [n].

  Returns:
    The data set, with float32 pixels in [0, 1] and int32 labels.

  Raises:
    ValueError: If an array breaks one of the rules above.
  """
  y_train = _check_labels(name, 'y_train', y_train, num_classes)
  if num_classes is None:
    num_classes = _infer_num_classes(name, y_train)
  y_test = _check_labels(name, 'y_test', y_test, num_classes)
  x_train = _check_images(name, 'x_train', x_train, len(y_train))
  x_test = _check_images(name, 'x_test', x_test, len(y_test))
  if x_train.shape[1:] != x_test.shape[1:]:
    raise ValueError(
        f'{name}: `x_test` must hold images of the shape in `x_train`, '
        f'{x_train.shape[1:]}, found {x_test.shape[1:]}.')
  if writers is not None:
    writers = np.asarray(writers)
    if writers.shape != y_train.shape:
      raise ValueError(
          f'{name}: `writers` must have one entry for each of the '
          f'{len(y_train)} training examples, found shape {writers.shape}.')
    writers = writers.astype(np.int32)
  return ImageDataset(
      name=name,
      train_x=x_train,
      train_y=y_train,
      test_x=x_test,
      test_y=y_test,
      num_classes=num_classes,
      writers=writers)


def _check_labels(
    name: str, key: str, labels: Any, num_classes: Optional[int]
) -> np.ndarray:
  """Returns `labels` as int32[n], or raises."""
  labels = np.asarray(labels)
  if labels.ndim == 2 and labels.shape[1] == 1:
    labels = labels[:, 0]
  if labels.ndim != 1:
    raise ValueError(
        f'{name}: `{key}` must have shape [n] or [n, 1], found '
        f'{labels.shape}.')
  if not labels.size:
    raise ValueError(
        f'{name}: `{key}` must hold at least one example, found none.')
  if labels.dtype.kind not in 'iu':
    raise ValueError(
        f'{name}: `{key}` must hold integers, found {labels.dtype}.')
  low, high = int(labels.min()), int(labels.max())
  if low < 0:
    raise ValueError(
        f'{name}: `{key}` must hold labels of at least 0, found {low}.')
  if num_classes is not None and high >= num_classes:
    raise ValueError(
        f'{name}: `{key}` must hold labels below the number of classes, '
        f'{num_classes}, found {high}.')
  if num_classes is None and high >= max(labels.size, 2):
    raise ValueError(
        f'{name}: `{key}` must number its classes 0, 1, 2, ..., found label '
        f'{high} among {labels.size} examples.')
  return labels.astype(np.int32)


def _infer_num_classes(name: str, y_train: np.ndarray) -> int:
  num_classes = int(y_train.max()) + 1
  if num_classes < 2:
    raise ValueError(
        f'{name}: `y_train` must hold at least 2 classes, found only label '
        '0.')
  return num_classes


def _check_images(
    name: str, key: str, images: Any, num_labels: int
) -> np.ndarray:
  """Returns `images` as float32[n, h, w, c] in [0, 1], or raises."""
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
        f'in [{low:g}, {high:g}].')
  return images.astype(np.float32, copy=False)


def _first_nan(images: np.ndarray) -> int:
  return next(i for i, image in enumerate(images) if np.isnan(image).any())
