"""The labels of one data set as those of another with the same classes."""

from typing import Optional, Sequence, Tuple

import attrs
import numpy as np

from tff_hidenseek.data import image_dataset


def map_classes(
    dataset: image_dataset.ImageDataset,
    image_shape: Sequence[int],
    class_names: Sequence[str],
) -> Tuple[image_dataset.ImageDataset, Optional[str]]:
  """Numbers the classes of a data set as another one numbers them.

  Classes are found by their names. Where one of the two only numbers as many
  classes as the other names, they are taken to be in the same order.

  Args:
    dataset: The data set.
    image_shape: The other's height, width and channels.
    class_names: The other's classes.

  Returns:
    The data set with the other's labels and classes, and a sentence on how its
    classes differ, if they do.

  Raises:
    ValueError: If the images have another shape, or a class is not one of the
      other's.
  """
  if tuple(dataset.image_shape) != tuple(image_shape):
    raise ValueError(
        f'`dataset` must have images of shape {tuple(image_shape)}, found '
        f'{tuple(dataset.image_shape)} in {dataset.name}.')
  found, wanted = tuple(dataset.class_names), tuple(class_names)
  if found == wanted:
    return dataset, None
  if _number_the_same(found, wanted) or _number_the_same(wanted, found):
    return attrs.evolve(dataset, class_names=wanted), (
        f'{dataset.name} calls its classes {_join(found)}: they are taken for '
        f'{_join(wanted)} in this order.')
  unknown = [name for name in found if name not in wanted]
  if unknown:
    raise ValueError(
        f'`dataset` must have classes among {_join(wanted)}, found '
        f'{_join(unknown)} in {dataset.name}.')
  labels = np.array([wanted.index(name) for name in found], np.int32)
  mapped = attrs.evolve(
      dataset,
      train_y=labels[dataset.train_y],
      test_y=labels[dataset.test_y],
      num_classes=len(wanted),
      class_names=wanted)
  missing = [name for name in wanted if name not in found]
  if missing:
    return mapped, f'{dataset.name} has no examples of {_join(missing)}.'
  return mapped, (
      f'{dataset.name} has the same classes in another order, '
      f'{_join(found)}: they are found by their names.')


def _number_the_same(numbers: Sequence[str], names: Sequence[str]) -> bool:
  """Returns whether 0, 1, ... can only stand for as many names."""
  return (
      list(numbers) == [str(i) for i in range(len(names))] and
      not any(name.isdecimal() for name in names))


def _join(names: Sequence[str]) -> str:
  shown = list(names[:10]) + ['...'] * (len(names) > 10)
  return ', '.join(shown)
