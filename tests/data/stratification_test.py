import unittest

import hypothesis
from hypothesis import strategies
import numpy as np

from tff_hidenseek.data import stratification

_LABELS = strategies.lists(
    strategies.integers(0, 5), min_size=1, max_size=60).map(np.array)


def _order(labels, seed):
  rng = np.random.Generator(np.random.Philox(seed))
  return stratification.stratified_order(labels, rng)


class StratificationTest(unittest.TestCase):

  @hypothesis.settings(deadline=None)
  @hypothesis.given(_LABELS, strategies.integers(0, 2**32))
  def test_has_every_index_once(self, labels, seed):
    np.testing.assert_array_equal(
        np.sort(_order(labels, seed)), np.arange(len(labels)))

  @hypothesis.settings(deadline=None)
  @hypothesis.given(_LABELS, strategies.integers(0, 2**32))
  def test_starts_with_one_of_each_class(self, labels, seed):
    classes = np.unique(labels)
    head = labels[_order(labels, seed)[:len(classes)]]
    np.testing.assert_array_equal(np.sort(head), classes)

  def test_every_long_prefix_is_in_proportion(self):
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    ordered = labels[_order(labels, 1)]
    for size in (100, 250, 500, 900):
      counts = np.bincount(ordered[:size])
      np.testing.assert_allclose(
          counts, size * np.array([.6, .3, .1]), atol=12)

  def test_depends_on_the_seed_alone(self):
    labels = np.repeat([0, 1], 50)
    np.testing.assert_array_equal(_order(labels, 7), _order(labels, 7))
    self.assertFalse(np.array_equal(_order(labels, 7), _order(labels, 8)))


if __name__ == '__main__':
  unittest.main()
