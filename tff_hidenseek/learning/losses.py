"""Classification losses of one batch."""

import math
from typing import Optional

import tensorflow as tf

# The log frequency of a class that does not occur: low enough for a probability
# of exactly 0, and a float16 number, so that every exported file can hold it.
LEFT_OUT = -1000.0


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
  """Returns the mean softmax cross-entropy of a batch, `float32[]`."""
  return tf.reduce_mean(
      tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
  )


def log_class_prior(
    labels: tf.Tensor, num_classes: int, weights: Optional[tf.Tensor] = None
) -> tf.Tensor:
  """Returns the log frequencies of the classes among labels.

  Args:
    labels: `int32[..., n]`, at least one.
    num_classes: The number of classes.
    weights: What each label counts, `float32[..., n]`; by default 1.

  Returns:
    `float32[..., num_classes]`; for a class that does not occur, a number so
    low that its probability and its gradient are 0.
  """
  is_class = tf.one_hot(labels, num_classes)
  if weights is None:
    frequencies = tf.reduce_mean(is_class, axis=-2)
  else:
    counts = tf.reduce_sum(is_class * weights[..., tf.newaxis], axis=-2)
    frequencies = counts / tf.reduce_sum(weights, axis=-1, keepdims=True)
  return tf.maximum(tf.math.log(frequencies), LEFT_OUT)


def label_skew(log_prior: tf.Tensor) -> tf.Tensor:
  """Returns how far classes are from equally frequent, `float32[...]`.

  Args:
    log_prior: What `log_class_prior` returned.

  Returns:
    1 - H / log(num_classes), with the entropy H of the frequencies: 0 where all
    classes are equally frequent, 1 where there is one class.
  """
  entropy = -tf.reduce_sum(tf.exp(log_prior) * log_prior, axis=-1)
  return 1 - entropy / math.log(log_prior.shape[-1])
