"""The minibatches of all clients of a cohort, a step of each at a time."""

from typing import Any

import attrs
import tensorflow as tf

from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import philox
from tff_hidenseek.learning import random_seeds


@attrs.frozen(eq=False)
class CohortBatches:
  """For each client and step the examples of its batch.

  A client that has fewer steps than another is through with them earlier; where
  a batch is smaller, or there is none, places are filled with an example that
  weighs nothing.

  Attributes:
    rows: Places in the cohort's pool, `int32[clients, steps, batch_size]`.
    labels: The labels there, `int64` in that shape.
    weights: 1 of an example, 0 of what fills a place, `float32` in that shape.
  """

  rows: tf.Tensor
  labels: tf.Tensor
  weights: tf.Tensor


def shuffle_batches(
    cohort: cohort_data.Cohort,
    seeds: tf.Tensor,
    num_epochs: int,
    batch_size: int,
) -> CohortBatches:
  """Returns the batches that `local_training.run_epochs` makes of each client.

  Args:
    cohort: The data of the cohort.
    seeds: The seed of each client's shuffles, `int64[clients, 2]`.
    num_epochs: How often every example is seen.
    batch_size: Examples a step.
  """
  # Shuffles have no other kernel, and numbers of 32 bits stay at the host.
  with tf.device('CPU:0'):
    largest = tf.reduce_max(cohort['size'])

    def shuffle(size_and_generator: Any) -> tf.Tensor:
      size, key, counter = size_and_generator
      # What `stateless_shuffle` does after it has scrambled its seed.
      order = tf.raw_ops.StatelessShuffle(
          value=tf.range(size),
          key=key,
          counter=counter,
          alg=tf.random.Algorithm.PHILOX.value,
      )
      return tf.pad(order, [[0, largest - size]])

    epoch_seeds = random_seeds.fold_in(
        seeds[:, tf.newaxis], tf.range(num_epochs)[:, tf.newaxis]
    )
    orders = tf.map_fn(
        shuffle,
        (
            tf.repeat(cohort['size'], num_epochs),
            *philox.make_generators(tf.reshape(epoch_seeds, [-1, 2])),
        ),
        fn_output_signature=tf.TensorSpec([None], tf.int32),
        parallel_iterations=16,
    )
    orders = tf.reshape(orders, [-1, num_epochs, largest])
    return _divide(cohort, orders, batch_size)


def ordered_batches(
    cohort: cohort_data.Cohort, batch_size: tf.Tensor
) -> CohortBatches:
  """Returns batches of each client's examples in their order, once."""
  with tf.device('CPU:0'):
    orders = tf.tile(
        tf.range(tf.reduce_max(cohort['size']))[tf.newaxis, tf.newaxis],
        [tf.size(cohort['size']), 1, 1],
    )
    return _divide(cohort, orders, batch_size)


def _divide(
    cohort: cohort_data.Cohort, orders: tf.Tensor, batch_size: Any
) -> CohortBatches:
  """Divides orders, `int32[clients, epochs, examples]`, into batches."""
  sizes = cohort['size'][:, tf.newaxis, tf.newaxis]
  num_epochs = tf.shape(orders)[1]
  # A batch does not go from one epoch into the next.
  batches_an_epoch = tf.maximum(-(-sizes // batch_size), 1)
  steps = tf.range(tf.reduce_max(batches_an_epoch) * num_epochs)
  steps = steps[tf.newaxis, :, tf.newaxis]
  epochs = steps // batches_an_epoch
  places = steps % batches_an_epoch * batch_size + tf.range(batch_size)
  is_example = (places < sizes) & (epochs < num_epochs)
  largest = tf.shape(orders)[2]
  chosen = tf.gather(
      tf.reshape(orders, [tf.shape(orders)[0], -1]),
      tf.where(is_example, epochs * largest + places, 0),
      batch_dims=1,
  )
  rows = cohort['first'][:, tf.newaxis, tf.newaxis] + chosen
  return CohortBatches(
      rows=rows,
      labels=tf.cast(tf.gather(cohort['y'], rows), tf.int64),
      weights=tf.cast(is_example, tf.float32),
  )
