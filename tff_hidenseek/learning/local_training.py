"""A client's pass over its own examples: shuffled minibatches, then evaluation.

Plain TensorFlow without placements, for use inside a `tf.function`. The loops
are `tf.while_loop`s: AutoGraph would take longer to rewrite the Python code of
a client's work than to trace it.
"""

import collections
from typing import Callable, Mapping, Tuple

import tensorflow as tf

from tff_hidenseek.learning import random_seeds

# Large enough to use the processor well, small enough that the activations of
# the largest model stay below a few hundred MiB.
_EVALUATION_BATCH_SIZE = 250


def run_epochs(
    step_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    data: Mapping[str, tf.Tensor],
    seed: tf.Tensor,
    *,
    num_epochs: int,
    batch_size: int,
) -> tf.Tensor:
  """Runs `step_fn` on every minibatch of every epoch.

  The last batch of an epoch is smaller where `batch_size` does not divide the
  number of examples; no example is dropped.

  Args:
    step_fn: Takes a batch `x, y`, trains on it and returns its mean loss.
    data: The client's data (see `client_data`).
    seed: Seed of the epochs' shuffles, `int64[2]`.
    num_epochs: How often every example is seen.
    batch_size: Examples a step.

  Returns:
    The mean loss over all examples and epochs, `float32[]`.
  """
  num_examples = tf.shape(data['y'])[0]

  def train_epoch(
      epoch: tf.Tensor, loss_sum: tf.Tensor
  ) -> Tuple[tf.Tensor, tf.Tensor]:
    order = tf.random.experimental.stateless_shuffle(
        tf.range(num_examples),
        random_seeds.fold_in(seed, epoch),
        alg=random_seeds.ALGORITHM,
    )

    def train_batch(
        start: tf.Tensor, loss_sum: tf.Tensor
    ) -> Tuple[tf.Tensor, tf.Tensor]:
      chosen = order[start : start + batch_size]
      loss = step_fn(tf.gather(data['x'], chosen), tf.gather(data['y'], chosen))
      size = tf.cast(tf.size(chosen), tf.float32)
      return start + batch_size, loss_sum + loss * size

    _, loss_sum = tf.while_loop(
        lambda start, _: start < num_examples, train_batch, (0, loss_sum)
    )
    return epoch + 1, loss_sum

  _, loss_sum = tf.while_loop(
      lambda epoch, _: epoch < num_epochs, train_epoch, (0, 0.0)
  )
  return loss_sum / tf.cast(num_examples * num_epochs, tf.float32)


def evaluate(
    logits_fn: Callable[[tf.Tensor], tf.Tensor], data: Mapping[str, tf.Tensor]
) -> collections.OrderedDict[str, tf.Tensor]:
  """Counts how many examples a model classifies correctly.

  Args:
    logits_fn: Maps images to logits, `float32[n, num_classes]`.
    data: The client's data (see `client_data`); it may be empty.

  Returns:
    `num_correct` and `num_examples`, each `int64[]`.
  """
  num_examples = tf.shape(data['y'])[0]

  def count_batch(
      start: tf.Tensor, num_correct: tf.Tensor
  ) -> Tuple[tf.Tensor, tf.Tensor]:
    batch = slice(start, start + _EVALUATION_BATCH_SIZE)
    predicted = tf.argmax(
        logits_fn(data['x'][batch]), axis=-1, output_type=tf.int32
    )
    # Not `==`, which compares objects in the graphs that TFF builds.
    correct = tf.equal(predicted, data['y'][batch])
    return (
        start + _EVALUATION_BATCH_SIZE,
        num_correct + tf.math.count_nonzero(correct),
    )

  _, num_correct = tf.while_loop(
      lambda start, _: start < num_examples,
      count_batch,
      (0, tf.constant(0, tf.int64)),
  )
  return collections.OrderedDict(
      num_correct=num_correct, num_examples=tf.cast(num_examples, tf.int64)
  )
