"""Federated averaging in bare TensorFlow, several clients at once.

The second floor of the benchmark, batched by hand: the weights have a leading
axis of clients, every layer is a batched product, the steps stand in a row, and
all clients have equally many examples. Dense layers alone.
"""

import concurrent.futures
from typing import Sequence, Tuple

import numpy as np
import tensorflow as tf

from benchmarks import floor


class BatchedFloorRounds:
  """Rounds of federated averaging over the same clients.

  Attributes:
    weights: The global weights: for each layer its kernel and its bias.
  """

  def __init__(
      self,
      weights: Sequence[np.ndarray],
      clients: Sequence[Tuple[np.ndarray, np.ndarray]],
      num_threads: int,
      clients_at_once: int,
  ):
    """Stacks the clients and traces their training.

    Args:
      weights: The first global weights.
      clients: For each client its images, float32[n, 32, 32, 3], and labels,
        int32[n], all of one n.
      num_threads: How many groups of clients are trained at a time, at least 1.
      clients_at_once: Clients of a group, which divides their number.
    """
    self.weights = [tf.constant(weight) for weight in weights]
    self._num_clients = len(clients)
    self._pool = concurrent.futures.ThreadPoolExecutor(num_threads)
    images, labels = (np.stack(arrays) for arrays in zip(*clients))
    groups = len(clients) // clients_at_once
    images = images.reshape(groups, clients_at_once, images.shape[1], -1)
    labels = labels.reshape(groups, clients_at_once, -1)
    self._groups = [
        (tf.constant(x), tf.constant(y)) for x, y in zip(images, labels)
    ]
    self._train = _trace(self.weights, *self._groups[0])

  def run_round(self) -> None:
    """Replaces `weights` by the clients' mean."""
    sums = self._pool.map(
        lambda group: self._train(*self.weights, *group), self._groups
    )
    totals = [tf.add_n(parts) for parts in zip(*sums)]
    self.weights = [total / self._num_clients for total in totals]
    self.weights[-1].numpy()  # Waits.


def _trace(weights, images, labels):
  """Returns the graph that trains a group and sums its clients' weights."""
  num_clients, num_examples = labels.shape

  def train(*tensors):
    *shared, x, y = tensors
    own = [tf.repeat(w[tf.newaxis], num_clients, axis=0) for w in shared]
    for start in range(0, num_examples, floor.BATCH_SIZE):
      batch = slice(start, start + floor.BATCH_SIZE)
      with tf.GradientTape() as tape:
        tape.watch(own)
        outputs = x[:, batch]
        for index, (kernel, bias) in enumerate(zip(own[::2], own[1::2])):
          outputs = tf.nn.relu(outputs) if index else outputs
          outputs = tf.matmul(outputs, kernel) + bias[:, tf.newaxis]
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
            y[:, batch], outputs
        )
        # Each client's gradient is that of its own mean.
        loss = tf.reduce_sum(tf.reduce_mean(losses, axis=1))
      own = [
          w - floor.LEARNING_RATE * gradient
          for w, gradient in zip(own, tape.gradient(loss, own))
      ]
    return [tf.reduce_sum(w, axis=0) for w in own]

  return tf.function(
      train,
      input_signature=[
          tf.TensorSpec(t.shape, t.dtype) for t in [*weights, images, labels]
      ],
      autograph=False,
  ).get_concrete_function()
