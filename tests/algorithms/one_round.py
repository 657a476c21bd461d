"""What the tests of one round share: a tiny task, and its gradients in NumPy.

A client takes all its examples in one batch, so an epoch is one gradient step.
"""

import functools

import numpy as np
import tensorflow as tf

from tests.learning import numpy_reference
from tests.learning import tiny_task
from tff_hidenseek.algorithms import registry
from tff_hidenseek.learning import random_seeds

LEARNING_RATE = 0.5

# Kernel and bias of each layer.
SHAPES = ((9, 4), (4,), (4, 3), (3,))
KERNEL_SHAPES = SHAPES[::2]


@functools.lru_cache(maxsize=None)
def build(name, **options):
  """Builds an algorithm of the table."""
  entry = registry.ALGORITHMS[name]
  return entry.build(
      tiny_task.make_task(),
      entry.options_class(
          client_optimizer='sgd',
          client_learning_rate=LEARNING_RATE,
          batch_size=1000,
          **options,
      ),
  )


def split(vector, shapes):
  """Returns a vector's elements as arrays of these shapes, `float64`."""
  ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
  return [
      part.reshape(shape).astype(np.float64)
      for part, shape in zip(np.split(np.asarray(vector), ends), shapes)
  ]


def join(arrays):
  """Returns all elements of arrays as one vector."""
  return np.concatenate([np.ravel(array) for array in arrays])


def find_gradient(weights, x, y):
  """Returns the gradient of a vector of kernels and biases."""
  arrays = split(weights, SHAPES)
  _, kernels, biases = numpy_reference.compute_gradients(
      arrays[::2], arrays[1::2], x, np.asarray(y)
  )
  return join(sum(zip(kernels, biases), ()))


def find_kernel_gradient(weights, x, y):
  """Returns the gradient of a vector of kernels, in a net without biases."""
  kernels = split(weights, KERNEL_SHAPES)
  biases = [np.zeros(kernel.shape[1]) for kernel in kernels]
  _, gradients, _ = numpy_reference.compute_gradients(
      kernels, biases, x, np.asarray(y)
  )
  return join(gradients)


def draw_uniform(size, seed):
  """Returns the stateless draws of a seed."""
  return tf.random.stateless_uniform(
      [size], seed, alg=random_seeds.ALGORITHM
  ).numpy()


def client_seed(purpose, client_id, round_num=0):
  """Returns the seed of a client's draws."""
  return random_seeds.client_seed(0, purpose, round_num, client_id)


def unpack(packed, num_bits):
  """Returns packed bits as `bool[num_bits]`."""
  return np.unpackbits(packed, count=num_bits, bitorder='little') > 0


def keep_largest(values, num_kept):
  """Marks the largest values."""
  return np.isin(np.arange(len(values)), np.argsort(-values)[:num_kept])
