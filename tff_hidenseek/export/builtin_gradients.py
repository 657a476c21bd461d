"""Gradients made of TensorFlow Lite's built-in operations alone.

TensorFlow's own gradient operations (Conv2DBackpropFilter, MaxPoolGrad,
ReluGrad) are not among the built-ins, so each is written as forward operations.

A convolution and its gradients are products of matrices, of the patches under
the kernel: LiteRT is fast at products, and slow at a convolution whose kernel
is not a constant.
"""

from typing import List, Tuple

import tensorflow as tf

from tff_hidenseek.layers import patches as patches_lib


def convolve(
    inputs: tf.Tensor, kernel: tf.Tensor, padding: str
) -> tf.Tensor:
  """Returns a 2D convolution with stride 1.

  Its patches take as much memory as the inputs times the kernel's rows and
  columns, so it is for a batch to train on.

  Args:
    inputs: Its inputs, float32[batch, height, width, channels].
    kernel: Its kernel, float32[rows, columns, channels, filters].
    padding: 'valid' or 'same'.
  """
  return _multiply_patches(
      _find_patches(inputs, kernel, _find_margins(kernel, padding)), kernel
  )


def convolution_gradients(
    inputs: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor, padding: str
) -> Tuple[tf.Tensor, tf.Tensor]:
  """Returns the gradients of a 2D convolution with stride 1.

  Args:
    inputs: Its inputs, float32[batch, height, width, channels].
    kernel: Its kernel, float32[rows, columns, channels, filters].
    upstream: The gradient with respect to its outputs.
    padding: 'valid' or 'same'.

  Returns:
    The gradients with respect to the inputs and to the kernel.
  """
  margins = _find_margins(kernel, padding)
  patches = _find_patches(inputs, kernel, margins)
  kernel_gradient = tf.matmul(
      tf.transpose(_as_matrix(patches)), _as_matrix(upstream)
  )
  # The convolution of the upstream gradient with the kernel turned round.
  turned = tf.transpose(kernel[::-1, ::-1], [0, 1, 3, 2])
  margins = [
      (size - 1 - before, size - 1 - after)
      for size, (before, after) in zip(kernel.shape[:2], margins)
  ]
  input_gradient = _multiply_patches(
      _find_patches(upstream, turned, margins), turned
  )
  return input_gradient, tf.reshape(kernel_gradient, kernel.shape)


def _find_margins(kernel: tf.Tensor, padding: str) -> List[Tuple[int, int]]:
  """Returns what the padding adds before and after each side."""
  margins = []
  for size in kernel.shape[:2]:
    total = size - 1 if padding == 'same' else 0
    margins.append((total // 2, total - total // 2))
  return margins


def _find_patches(
    images: tf.Tensor, kernel: tf.Tensor, margins: List[Tuple[int, int]]
) -> tf.Tensor:
  """Returns what lies under the kernel at each of its places.

  Args:
    images: float32[batch, height, width, channels].
    kernel: float32[rows, columns, channels, filters].
    margins: How many zeros are added before and after each side.

  Returns:
    float32[batch, places down, places across, rows * columns * channels].
  """
  padded = tf.pad(images, [(0, 0), *margins, (0, 0)])
  return patches_lib.take_patches(padded, *kernel.shape[:2])


def _multiply_patches(patches: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
  """Returns the products of patches and the kernel's filters."""
  filters = kernel.shape[-1]
  product = tf.matmul(_as_matrix(patches), tf.reshape(kernel, [-1, filters]))
  return tf.reshape(product, [-1, *patches.shape[1:3], filters])


def _as_matrix(images: tf.Tensor) -> tf.Tensor:
  """Returns the channels of each place as a row."""
  return tf.reshape(images, [-1, images.shape[-1]])


def matmul_gradients(
    inputs: tf.Tensor, kernel: tf.Tensor, upstream: tf.Tensor
) -> Tuple[tf.Tensor, tf.Tensor]:
  """Returns the gradients of `matmul(inputs, kernel)` for both."""
  return (
      tf.matmul(upstream, tf.transpose(kernel)),
      tf.matmul(tf.transpose(inputs), upstream),
  )


def relu_gradient(outputs: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
  """Returns the gradient of a ReLU, given its outputs."""
  return upstream * tf.cast(outputs > 0, upstream.dtype)


def max_pool_gradient(
    inputs: tf.Tensor, outputs: tf.Tensor, upstream: tf.Tensor
) -> tf.Tensor:
  """Returns the gradient of 2x2 max-pooling with stride 2, unpadded.

  Of several largest inputs the first one gets it, as in TensorFlow.

  Args:
    inputs: Its inputs, float32[batch, height, width, channels].
    outputs: Its outputs.
    upstream: The gradient with respect to its outputs.

  Returns:
    The gradient with respect to the inputs.
  """
  _, height, width, channels = inputs.shape
  rows, columns = height // 2, width // 2
  is_open = 1.0  # 0 once the window gave its gradient away.
  quarters = []
  for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
    quarter = inputs[:, row : 2 * rows : 2, column : 2 * columns : 2]
    chosen = tf.cast(tf.equal(quarter, outputs), upstream.dtype) * is_open
    is_open -= chosen
    quarters.append(chosen * upstream)
  # Neighbours in a row of the image lie next to each other in memory once
  # their channels are concatenated; so do whole rows.
  halves = [
      tf.reshape(tf.concat(pair, -1), [-1, rows, 2 * columns * channels])
      for pair in (quarters[:2], quarters[2:])
  ]
  gradient = tf.reshape(
      tf.concat(halves, -1), [-1, 2 * rows, 2 * columns, channels]
  )
  return tf.pad(gradient, [(0, 0), (0, height % 2), (0, width % 2), (0, 0)])


def cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor
) -> Tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
  """Returns the mean softmax cross-entropy of a batch and its gradient.

  Args:
    logits: float32[batch, num_classes].
    labels: int32[batch]. One outside [0, num_classes), such as -1, leaves its
      example out.

  Returns:
    The loss, its gradient with respect to the logits, and the number of
    examples, float32, that were not left out. Without any, the loss and the
    gradient are 0.
  """
  # Through a column: one label must not be taken for the whole batch's.
  column = tf.reshape(labels, [logits.shape[0], 1])
  targets = tf.reshape(tf.one_hot(column, logits.shape[-1]), logits.shape)
  counted = tf.reduce_sum(targets, axis=-1, keepdims=True)
  num_examples = tf.reduce_sum(counted)
  share = counted / tf.maximum(num_examples, 1)
  shifted = logits - tf.reduce_max(logits, axis=-1, keepdims=True)
  exponentials = tf.exp(shifted)
  total = tf.reduce_sum(exponentials, axis=-1, keepdims=True)
  loss = tf.reduce_sum(targets * share * (tf.math.log(total) - shifted))
  gradient = (exponentials / total - targets) * share
  return loss, gradient, num_examples
