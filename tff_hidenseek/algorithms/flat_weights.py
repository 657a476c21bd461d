"""The weights of a whole model as one vector, in the order of its variables."""

import math
from typing import List

import tensorflow as tf


def flatten(tensors) -> tf.Tensor:
  """Returns all elements of the tensors as one vector."""
  return tf.concat([tf.reshape(x, [-1]) for x in tensors], axis=0)


def unflatten(vector: tf.Tensor, like) -> List[tf.Tensor]:
  """Undoes `flatten`.

  Args:
    vector: A vector of as many elements as there are in `like`.
    like: Arrays, tensors or variables with the shapes to return.

  Returns:
    The vector's elements as tensors of those shapes.
  """
  parts = tf.split(vector, [math.prod(x.shape) for x in like])
  return [tf.reshape(part, x.shape) for part, x in zip(parts, like)]


def add(weights, vector: tf.Tensor) -> List[tf.Tensor]:
  """Returns weights to which the elements of a vector are added."""
  steps = unflatten(vector, weights)
  return tf.nest.map_structure(tf.add, list(weights), steps)


def assign(variables, vector: tf.Tensor) -> None:
  """Sets variables to the elements of a vector."""
  for variable, value in zip(variables, unflatten(vector, variables)):
    variable.assign(value)


def spread(values: tf.Tensor, is_kept: tf.Tensor) -> tf.Tensor:
  """Undoes `tf.boolean_mask`.

  Args:
    values: A vector of as many elements as there are kept.
    is_kept: A bool vector of static length.

  Returns:
    A vector of that length: the values where something is kept, else 0.
  """
  # Thirty times faster than tf.scatter_nd.
  return tf.sparse.to_dense(
      tf.SparseTensor(tf.where(is_kept), values, is_kept.shape),
      validate_indices=False,
  )


def find_kth_largest(values: tf.Tensor, k) -> tf.Tensor:
  """Returns the `k`-th largest element.

  Its bits are found one by one, ten times faster than by sorting.

  Args:
    values: A `float32` tensor without NaN.
    k: An integer, at least 1 and at most the size of `values`.

  Returns:
    The element, `float32[]`.
  """
  keys = _flip_negative(tf.bitcast(values, tf.int32))

  def is_reached(key):
    return tf.math.count_nonzero(keys >= key, dtype=tf.int32) >= k

  def set_bit(bit, largest):
    raised = largest + tf.bitwise.left_shift(1, bit)
    return bit - 1, tf.where(is_reached(raised), raised, largest)

  _, key = tf.while_loop(
      lambda bit, _: bit >= 0,
      set_bit,
      (30, tf.where(is_reached(0), 0, tf.int32.min)),
  )
  return tf.bitcast(_flip_negative(key), tf.float32)


def _flip_negative(bits: tf.Tensor) -> tf.Tensor:
  """Maps a float's bits to an integer of the same order, and back."""
  is_negative = tf.bitwise.right_shift(bits, 31)  # All ones or all zeros.
  return tf.bitwise.bitwise_xor(
      bits, tf.bitwise.bitwise_and(is_negative, tf.int32.max)
  )
