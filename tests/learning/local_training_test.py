import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import local_training


def _make_data(size):
  """Makes examples whose pixel and label are both their number."""
  numbers = np.arange(size)
  return dict(
      x=tf.constant(numbers.reshape(-1, 1, 1, 1), tf.float32),
      y=tf.constant(numbers, tf.int32),
  )


def _record_batches(size, num_epochs, batch_size, seed=(0, 0)):
  """Returns the examples of every step, and the mean loss."""
  batches = []

  def step(x, y):
    np.testing.assert_array_equal(tf.reshape(x, [-1]), tf.cast(y, tf.float32))
    batches.append(y.numpy().tolist())
    return tf.reduce_mean(tf.cast(y, tf.float32))

  def run():
    return local_training.run_epochs(
        lambda x, y: tf.ensure_shape(
            tf.py_function(step, [x, y], tf.float32), []
        ),
        _make_data(size),
        tf.constant(seed, tf.int64),
        num_epochs=num_epochs,
        batch_size=batch_size,
    )

  loss = tf.function(run, autograph=False)()
  return batches, float(loss)


class RunEpochsTest(tf.test.TestCase):

  def test_every_example_is_seen_once_an_epoch(self):
    for size, batch_size in ((1, 1), (1, 5), (6, 3), (7, 3), (7, 7), (7, 50)):
      batches, _ = _record_batches(size, 3, batch_size)
      steps = -(-size // batch_size)
      self.assertLen(batches, 3 * steps)
      for epoch in range(3):
        seen = sum(batches[epoch * steps : (epoch + 1) * steps], [])
        self.assertEqual(sorted(seen), list(range(size)))

  def test_only_the_last_batch_of_an_epoch_is_smaller(self):
    batches, _ = _record_batches(7, 2, 3)
    self.assertEqual([len(batch) for batch in batches], [3, 3, 1] * 2)

  def test_every_epoch_has_its_own_order(self):
    (first, second), _ = _record_batches(50, 2, 50)
    self.assertNotEqual(first, second)
    self.assertNotEqual(first, sorted(first))

  def test_the_order_depends_on_the_seed_alone(self):
    first, second, other = (
        _record_batches(50, 1, 50, seed)[0] for seed in ((1, 2), (1, 2), (1, 3))
    )
    self.assertEqual(first, second)
    self.assertNotEqual(first, other)

  def test_the_loss_is_the_mean_over_examples_not_batches(self):
    _, loss = _record_batches(7, 2, 3)
    self.assertAllClose(loss, 3.0)  # Of 0, ..., 6; batches of 3, 3 and 1.


class EvaluateTest(tf.test.TestCase):

  def _count(self, data, logits_fn):
    counts = tf.function(
        lambda: local_training.evaluate(logits_fn, data), autograph=False
    )()
    self.assertEqual(counts['num_correct'].dtype, tf.int64)
    self.assertEqual(counts['num_examples'].dtype, tf.int64)
    return counts['num_correct'].numpy(), counts['num_examples'].numpy()

  def test_counts_the_largest_logits(self):
    data = dict(x=tf.zeros([3, 1, 1, 1]), y=tf.constant([1, 0, 1]))
    counts = self._count(data, lambda x: tf.constant([[0.0, 1.0]] * 3))
    self.assertEqual(counts, (2, 3))

  def test_counts_every_example_in_any_number_of_batches(self):
    for size in (1, 249, 250, 251, 777):
      data = _make_data(size)
      data['y'] %= 3

      def call_it_odd_or_even(x):
        return tf.one_hot(tf.cast(x[:, 0, 0, 0], tf.int32) % 2, 3)

      correct = sum(i % 3 == i % 2 for i in range(size))
      self.assertEqual(self._count(data, call_it_odd_or_even), (correct, size))

  def test_an_empty_client_counts_nothing(self):
    data = dict(x=tf.zeros([0, 1, 1, 1]), y=tf.zeros([0], tf.int32))
    counts = self._count(data, lambda x: tf.zeros([tf.shape(x)[0], 2]))
    self.assertEqual(counts, (0, 0))


if __name__ == '__main__':
  tf.test.main()
