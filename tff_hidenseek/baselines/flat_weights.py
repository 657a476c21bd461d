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


def assign(variables, vector: tf.Tensor) -> None:
  """Sets variables to the elements of a vector."""
  for variable, value in zip(variables, unflatten(vector, variables)):
    variable.assign(value)
