"""What every data set and every partition must be, however it was read."""

import numpy as np


def check_dataset(test, dataset) -> None:
  """Fails a test unless an `ImageDataset` is as its docstring says."""
  splits = (
      (dataset.train_x, dataset.train_y), (dataset.test_x, dataset.test_y)
  )
  for images, labels in splits:
    test.assertEqual(images.dtype, np.float32)
    test.assertEqual(images.ndim, 4)
    test.assertEqual(images.shape[1:], dataset.image_shape)
    test.assertGreater(min(images.shape), 0)
    test.assertTrue(np.all((images >= 0) & (images <= 1)))  # No NaN either.
    test.assertEqual(labels.dtype, np.int32)
    test.assertEqual(labels.shape, images.shape[:1])
    test.assertGreaterEqual(labels.min(), 0)
    test.assertLess(labels.max(), dataset.num_classes)
  present = np.unique(dataset.train_y)
  test.assertGreaterEqual(dataset.num_classes, 2)
  test.assertLen(dataset.class_names, dataset.num_classes)
  test.assertLen(set(dataset.class_names), dataset.num_classes)
  test.assertTrue(np.isin(dataset.test_y, present).all())
  if dataset.writers is not None:
    test.assertEqual(dataset.writers.shape, dataset.train_y.shape)
    test.assertEqual(dataset.writers.dtype, np.int32)


def check_partition(test, partition, num_examples: int) -> None:
  """Fails a test unless a `Partition` is as its docstring says."""
  test.assertLen(partition.test_indices, partition.num_clients)
  clients = partition.train_indices + partition.test_indices
  for indices in clients:
    test.assertEqual(indices.dtype, np.int64)
    test.assertEqual(indices.ndim, 1)
    test.assertGreater(len(indices), 0)
    test.assertTrue(np.all(np.diff(indices) > 0))
  used = np.concatenate(clients)
  test.assertLen(np.unique(used), len(used))
  test.assertGreaterEqual(used.min(), 0)
  test.assertLess(used.max(), num_examples)
