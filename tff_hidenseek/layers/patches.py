"""The patches of images under a kernel, for a convolution as a product."""

import tensorflow as tf


def take_patches(
    padded: tf.Tensor, rows: int, columns: int, strides: int = 1
) -> tf.Tensor:
  """Returns what lies under a kernel at each of its places.

  Args:
    padded: Images, with what is added at their sides, float32[batch, height,
      width, channels].
    rows: The kernel's rows.
    columns: The kernel's columns.
    strides: How far apart its places are.

  Returns:
    float32[batch, places down, places across, rows * columns * channels], each
    patch in the order of a kernel's weights.
  """
  down, across = padded.shape[1] - rows + 1, padded.shape[2] - columns + 1
  return tf.concat(
      [
          padded[:, i : i + down : strides, j : j + across : strides]
          for i in range(rows)
          for j in range(columns)
      ],
      axis=-1,
  )
