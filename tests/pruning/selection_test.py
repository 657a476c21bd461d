"""Tests for top_k."""

from absl.testing import absltest
import hypothesis
from hypothesis import strategies
import numpy as np

from tff_hidenseek.pruning import selection


class KeepLargestTest(absltest.TestCase):

  def test_marks_the_largest(self):
    kept = selection.keep_largest(np.array([3.0, 1.0, 4.0, 2.0]), 2)
    self.assertEqual(kept.tolist(), [True, False, True, False])

  def test_keeps_the_first_of_equal_values(self):
    kept = selection.keep_largest(np.array([1.0, 2.0, 1.0, 1.0]), 3)
    self.assertEqual(kept.tolist(), [True, True, True, False])

  def test_keeps_all_or_none_if_asked_to(self):
    values = np.array([1.0, 2.0])
    self.assertEqual(selection.keep_largest(values, 2).tolist(), [True, True])
    self.assertEqual(selection.keep_largest(values, 0).tolist(), [False, False])


@hypothesis.given(strategies.data())
def test_equals_a_stable_sort(data):
  values = data.draw(
      strategies.lists(strategies.integers(0, 5), min_size=1, max_size=40)
  )
  num_kept = data.draw(strategies.integers(0, len(values)))
  expected = np.zeros(len(values), bool)
  expected[np.argsort(-np.array(values), kind='stable')[:num_kept]] = True
  kept = selection.keep_largest(np.array(values, float), num_kept)
  np.testing.assert_array_equal(kept, expected)


if __name__ == '__main__':
  absltest.main()
