"""What a data set is like in two lines, and a warning where it looks wrong."""

import textwrap
from typing import Iterator, List, Mapping, Tuple

import numpy as np

from tff_hidenseek.data import image_dataset

_WIDTH = 80
# Pixels that stay below this have probably been scaled by another number.
_LEAST_MAXIMUM = 0.5
_MOST_OF_ONE_CLASS = 0.9
_MOST_BLANK = 0.1


def describe(dataset: image_dataset.ImageDataset) -> List[str]:
  """Describes a data set to its owner.

  Args:
    dataset: The data set.

  Returns:
    Lines of at most 80 columns: what it holds, what was done to it when it was
    loaded, and warnings.
  """
  counts = np.bincount(dataset.train_y, minlength=dataset.num_classes)
  height, width, channels = dataset.image_shape
  extremes = {
      split: (images.min(axis=(1, 2, 3)), images.max(axis=(1, 2, 3)))
      for split, images in (
          ('training', dataset.train_x), ('test', dataset.test_x))}
  lows, highs = extremes['training']
  texts = [
      f'{len(dataset.train_y):,} training and {len(dataset.test_y):,} test '
      f'images of {height} x {width} x {channels}, pixels from '
      f'{lows.min():.3g} to {highs.max():.3g};',
      f'{dataset.num_classes} classes of {counts.min():,} to '
      f'{counts.max():,} training images.',
      *dataset.notes,
      *(f'warning: {text}' for text in _find_faults(dataset, counts, extremes)),
  ]
  return [
      line for text in texts
      for line in textwrap.wrap(text, _WIDTH, subsequent_indent='  ')]


def _find_faults(
    dataset: image_dataset.ImageDataset,
    counts: np.ndarray,
    extremes: Mapping[str, Tuple[np.ndarray, np.ndarray]],
) -> Iterator[str]:
  """Yields a sentence for each thing that is seldom meant.

  Args:
    dataset: The data set.
    counts: Training examples of each class.
    extremes: For each split the least and the largest pixel of every image.
  """
  missing = [dataset.class_names[i] for i in np.flatnonzero(counts == 0)]
  if missing:
    yield (
        f'{len(missing)} of {len(counts)} classes have no training image, such '
        f'as {missing[0]}.')
  share = counts.max() / counts.sum()
  if share >= _MOST_OF_ONE_CLASS:
    yield (
        f'class {dataset.class_names[counts.argmax()]} has {share:.1%} of the '
        'training images.')
  for split, (lows, highs) in extremes.items():
    is_blank = np.mean(lows == highs)
    if is_blank > _MOST_BLANK:
      yield f'{is_blank:.1%} of the {split} images are of one shade.'
    elif highs.max() < _LEAST_MAXIMUM:
      yield (
          f'the largest pixel of the {split} images is {highs.max():.3g} of 1, '
          f'{255 * highs.max():.3g} of 255. Bytes are always divided by 255, '
          '16 bits by 65,535 and floats by nothing: where the range is '
          'another, store floats that reach 1.')
