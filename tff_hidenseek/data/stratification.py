"""An order of examples in which every prefix has all classes in proportion."""

from typing import Tuple

import numpy as np


def stratified_order(
    labels: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
  """Orders examples at random so that every prefix is stratified.

  One example of each class comes first; after these a prefix holds every class
  in about its share of the whole. Cutting the order in two therefore gives a
  head that lacks no class unless it is shorter than the number of classes.

  Args:
    labels: The examples' labels, an integer array [n].
    rng: The source of randomness.

  Returns:
    A permutation of 0 to n - 1, an integer array [n].
  """
  shuffled = rng.permutation(len(labels))
  by_class = shuffled[np.argsort(labels[shuffled], kind='stable')]
  _, starts, sizes = np.unique(
      labels[by_class], return_index=True, return_counts=True)
  ranks = np.arange(len(labels)) - np.repeat(starts, sizes)
  keys = (ranks + rng.random(len(labels))) / np.repeat(sizes, sizes)
  keys[ranks == 0] -= 1.
  return by_class[np.argsort(keys, kind='stable')]


def split(
    indices: np.ndarray,
    labels: np.ndarray,
    fraction: float,
    rng: np.random.Generator,
    min_examples: int = 1,
) -> Tuple[np.ndarray, np.ndarray]:
  """Splits examples at random, every class in proportion.

  Args:
    indices: The examples' indices, an integer array [n].
    labels: The labels of all examples that are indexed.
    fraction: The fraction in the second part.
    rng: The source of randomness.
    min_examples: The least number in either part; at most n / 2.

  Returns:
    The indices of both parts, each in a stratified order.
  """
  count = int(round(fraction * len(indices)))
  count = min(max(count, min_examples), len(indices) - min_examples)
  order = indices[stratified_order(labels[indices], rng)]
  return order[:-count], order[-count:]
