"""Counts bytes from the very tensors that cross the client/server boundary."""

import tensorflow as tf


def num_bytes(structure) -> tf.Tensor:
  """Returns the size of a structure of tensors in bytes, as `int64[]`.

  A tensor counts its number of elements at run time times the size of its
  dtype, so a payload of unknown length is counted as long as it really is.
  """
  sizes = [
      tf.size(tensor, out_type=tf.int64) * tensor.dtype.size
      for tensor in tf.nest.flatten(structure)
  ]
  return tf.add_n(sizes) if sizes else tf.constant(0, tf.int64)
