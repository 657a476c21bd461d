"""The one form in which image data is used, and the check at its edge."""

from typing import Any, Optional, Sequence, Tuple

import attrs
import numpy as np

from tff_hidenseek.data import content_digest
from tff_hidenseek.data import labels as labels_lib
from tff_hidenseek.data import pixels


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
    class_names: What each class is called; its number by default.
    notes: A sentence for each thing that was done to the data which its owner
      should know.
    digest: A digest of all that was loaded, in hexadecimal; it stays where a
      split takes the place of another.
  """
  name: str
  train_x: np.ndarray
  train_y: np.ndarray
  test_x: np.ndarray
  test_y: np.ndarray
  num_classes: int
  writers: Optional[np.ndarray] = None
  class_names: Tuple[str, ...] = attrs.Factory(
      lambda self: tuple(str(i) for i in range(self.num_classes)),
      takes_self=True)
  notes: Tuple[str, ...] = ()
  digest: str = attrs.Factory(
      lambda self: _digest(
          self.train_x, self.train_y, self.test_x, self.test_y, self.writers),
      takes_self=True)

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
    class_names: Optional[Sequence[str]] = None,
) -> ImageDataset:
  """Checks raw arrays and makes an `ImageDataset` of them.

  Args:
    name: The data set's name, which every error repeats.
    x_train: Images [n, h, w] or [n, h, w, c], uint8 or floating in [0, 1];
      [n, c, h, w] is recognised where c is 1 or 3.
    y_train: Integer labels [n] or [n, 1].
    x_test: As `x_train`, with the same h, w and c.
    y_test: As `y_train`; every label is one that `y_train` has.
    num_classes: The number of classes, which the labels number from 0; `None`
      takes the distinct training labels, in their order, for the classes.
    writers: The natural client of each training example, integers or strings
      [n].
    class_names: What the `num_classes` classes are called; the labels by
      default.

  Returns:
    The data set, with float32 pixels in [0, 1] and int32 labels.

  Raises:
    ValueError: If an array breaks one of the rules above.
  """
  y_train = labels_lib.check_labels(name, 'y_train', y_train, num_classes)
  y_test = labels_lib.check_labels(name, 'y_test', y_test, num_classes)
  train_x, train_notes = pixels.check_images(
      name, 'x_train', x_train, len(y_train))
  test_x, test_notes = pixels.check_images(name, 'x_test', x_test, len(y_test))
  if train_x.shape[1:] != test_x.shape[1:]:
    raise ValueError(
        f'{name}: `x_test` must hold images of the shape in `x_train`, '
        f'{train_x.shape[1:]}, found {test_x.shape[1:]}.')
  if writers is not None:
    writers = _number_writers(name, writers, len(y_train))
  # Of what was given: bytes are a quarter of what they become.
  digest = _digest(x_train, y_train, x_test, y_test, writers)
  notes = train_notes + test_notes
  if num_classes is None:
    y_train, y_test, class_names = labels_lib.number_classes(
        name, y_train, y_test)
    num_classes = len(class_names)
    if class_names[-1] != str(num_classes - 1):
      notes += (
          f'The labels {_abbreviate(class_names)} are the classes 0 to '
          f'{num_classes - 1}.',)
  return ImageDataset(
      name=name,
      train_x=train_x,
      train_y=y_train.astype(np.int32),
      test_x=test_x,
      test_y=y_test.astype(np.int32),
      num_classes=num_classes,
      writers=writers,
      class_names=tuple(class_names or map(str, range(num_classes))),
      notes=notes,
      digest=digest)


def _digest(x_train, y_train, x_test, y_test, writers) -> str:
  arrays = dict(
      x_train=x_train, y_train=np.int64(y_train), x_test=x_test,
      y_test=np.int64(y_test))
  if writers is not None:
    arrays['writers'] = writers
  return content_digest.digest_arrays(arrays)


def _abbreviate(names: Sequence[str]) -> str:
  if len(names) > 5:
    names = (*names[:2], '...', names[-1])
  return ', '.join(names)


def _number_writers(name: str, writers: Any, num_labels: int) -> np.ndarray:
  """Returns each example's writer, numbered in the order of their ids."""
  writers = np.asarray(writers)
  if writers.shape != (num_labels,):
    raise ValueError(
        f'{name}: `writers_train` must have one entry for each of the '
        f'{num_labels} training examples, found shape {writers.shape}.')
  if writers.dtype.kind not in 'iuUS':
    raise ValueError(
        f'{name}: `writers_train` must hold integers or strings, found '
        f'{writers.dtype}.')
  return np.unique(writers, return_inverse=True)[1].astype(np.int32)
