"""Federated averaging in bare TensorFlow: the floor of the benchmark.

Nothing of this project and nothing of TFF is used: each client's whole local
training is one graph over tensors, clients run on threads with one thread
inside an op, and variables are reused from client to client.
"""

import concurrent.futures
from typing import List, Sequence, Tuple

import numpy as np
import tensorflow as tf

IMAGE_SHAPE = (32, 32, 3)
NUM_CLASSES = 10
BATCH_SIZE = 10
LEARNING_RATE = 0.1


def build_model(workload: str) -> tf.keras.Model:
  """Builds the model of a workload, its weights zero.

  Args:
    workload: `W1`, a convolutional net of 1.6 million weights, `W2`, one dense
      layer, or `W3`, three of them.

  Returns:
    A model from float32 images to logits.
  """
  layers = tf.keras.layers
  hidden = {
      'W1': [
          layers.Conv2D(32, 3, activation='relu', kernel_initializer='zeros'),
          layers.Conv2D(64, 3, activation='relu', kernel_initializer='zeros'),
          layers.MaxPool2D(),
          layers.Flatten(),
          layers.Dense(128, activation='relu', kernel_initializer='zeros'),
      ],
      'W2': [layers.Flatten()],
      'W3': [
          layers.Flatten(),
          layers.Dense(300, activation='relu', kernel_initializer='zeros'),
          layers.Dense(100, activation='relu', kernel_initializer='zeros'),
      ],
  }[workload]
  return tf.keras.Sequential(
      [layers.InputLayer(IMAGE_SHAPE)]
      + hidden
      + [layers.Dense(NUM_CLASSES, kernel_initializer='zeros')]
  )


class FloorRounds:
  """Rounds of federated averaging over the same clients.

  Attributes:
    weights: The global weights, float32 arrays in the order of the model.
  """

  def __init__(
      self,
      workload: str,
      weights: Sequence[np.ndarray],
      clients: Sequence[Tuple[tf.Tensor, tf.Tensor]],
      num_threads: int,
  ):
    """Builds one model and one graph for each thread.

    Args:
      workload: As for `build_model`.
      weights: The first global weights.
      clients: For each client its images, float32[n, 32, 32, 3], and labels,
        int32[n].
      num_threads: The number of clients trained at a time, at least 1.
    """
    self.weights = list(weights)
    self._clients = clients
    self._num_threads = num_threads
    self._pool = concurrent.futures.ThreadPoolExecutor(num_threads)
    self._train = [
        _build_training(build_model(workload)) for _ in range(num_threads)
    ]

  def run_round(self) -> None:
    """Replaces `weights` by the clients' mean, weighted by examples."""
    weights = [tf.constant(weight) for weight in self.weights]
    sums = list(
        self._pool.map(
            lambda thread: self._train_share(thread, weights),
            range(self._num_threads),
        )
    )
    num_examples = sum(int(labels.shape[0]) for _, labels in self._clients)
    self.weights = [
        (tf.add_n(parts) / num_examples).numpy() for parts in zip(*sums)
    ]

  def _train_share(self, thread, weights) -> List[tf.Tensor]:
    """Returns the sum of weights times examples over a thread's clients."""
    total = [tf.zeros_like(weight) for weight in weights]
    for images, labels in self._clients[thread :: self._num_threads]:
      total = self._train[thread](total, weights, images, labels)
    return total


def _build_training(model):
  """Returns the graph that trains one client and adds it to a sum."""
  variables = model.trainable_variables
  weights_spec = [tf.TensorSpec(v.shape, v.dtype) for v in variables]

  def train(total, weights, images, labels):
    for variable, weight in zip(variables, weights):
      variable.assign(weight)
    num_examples = tf.shape(labels)[0]

    def step(start):
      with tf.GradientTape() as tape:
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels[start : start + BATCH_SIZE],
                model(images[start : start + BATCH_SIZE], training=True),
            )
        )
      for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        variable.assign_sub(LEARNING_RATE * gradient)
      return (start + BATCH_SIZE,)

    tf.while_loop(lambda start: start < num_examples, step, (0,))
    scale = tf.cast(num_examples, tf.float32)
    return [t + scale * v for t, v in zip(total, variables)]

  function = tf.function(
      train,
      input_signature=[
          weights_spec,
          weights_spec,
          tf.TensorSpec((None,) + IMAGE_SHAPE),
          tf.TensorSpec([None], tf.int32),
      ],
      autograph=False,
  ).get_concrete_function()
  dtypes = [tensor.dtype for tensor in function.outputs]
  # The captured variables come last. This call costs a tenth of `function()`.

  def call(total, weights, images, labels):
    return tf.raw_ops.StatefulPartitionedCall(
        args=[*total, *weights, images, labels, *function.captured_inputs],
        Tout=dtypes,
        f=function,
    )

  return call
