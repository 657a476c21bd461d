from absl.testing import absltest
import numpy as np

from tff_hidenseek.data import held_out
from tff_hidenseek.data import image_dataset
from tff_hidenseek.data import partitions

# Client 0 has ten examples of class 0 and ten of class 1, client 1 two.
_LABELS = np.array([0, 1] * 10 + [2, 2] + [3, 3], np.int32)
_PARTITION = partitions.Partition(
    train_indices=(np.arange(20), np.array([20, 21])),
    test_indices=(np.array([22]), np.array([23])),
)


class HoldOutTest(absltest.TestCase):

  def _hold_out(self, fraction=0.2, seed=0):
    return held_out.hold_out(_PARTITION, _LABELS, fraction, seed)

  def test_every_training_example_is_in_one_of_both_parts(self):
    split = self._hold_out()
    for before, train, test in zip(
        _PARTITION.train_indices, split.train_indices, split.test_indices
    ):
      np.testing.assert_array_equal(
          np.sort(np.concatenate([train, test])), before
      )

  def test_no_class_is_held_out_more_than_another(self):
    for seed in range(20):
      (first, _) = self._hold_out(seed=seed).test_indices
      counts = np.bincount(_LABELS[first], minlength=2)
      self.assertEqual(counts.sum(), 4)
      self.assertBetween(counts[0], 1, 3)

  def test_both_parts_have_an_example(self):
    for fraction in (0.001, 0.9):
      split = self._hold_out(fraction)
      self.assertLen(split.train_indices[1], 1)
      self.assertLen(split.test_indices[1], 1)

  def test_depends_on_the_seed(self):
    first, same, other = (self._hold_out(seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test_indices[0], same.test_indices[0])
    self.assertFalse(
        np.array_equal(first.test_indices[0], other.test_indices[0])
    )

  def test_raises_on_a_client_with_one_example(self):
    partition = partitions.Partition((np.array([7]),), (np.array([8]),))
    with self.assertRaisesRegex(
        ValueError,
        '`min_examples_per_client` must be such that .* found 1 for client 0',
    ):
      held_out.hold_out(partition, _LABELS, 0.2, 0)


class ReplaceTestSplitTest(absltest.TestCase):

  def test_the_test_split_is_the_clients_tests_in_order(self):
    images = np.arange(24, dtype=np.float32).reshape(24, 1, 1, 1) / 24
    dataset = image_dataset.ImageDataset(
        'tiny', images, _LABELS, images[:0], _LABELS[:0], num_classes=4
    )
    replaced = held_out.replace_test_split(dataset, _PARTITION)
    np.testing.assert_array_equal(replaced.test_x, images[[22, 23]])
    np.testing.assert_array_equal(replaced.test_y, [3, 3])
    self.assertIs(replaced.train_x, images)


if __name__ == '__main__':
  absltest.main()
