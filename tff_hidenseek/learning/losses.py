"""Classification losses of one batch."""

import tensorflow as tf

# Added to the logit of a class that is left out: its probability is 0 in
# float32, and its gradient too.
_LEFT_OUT = -1e9


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
  """Returns the mean softmax cross-entropy of a batch, `float32[]`."""
  return tf.reduce_mean(
      tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
  )


def present_classes(labels: tf.Tensor, num_classes: int) -> tf.Tensor:
  """Returns which classes occur among `labels`, as `bool[num_classes]`."""
  return tf.math.bincount(labels, minlength=num_classes) > 0


def restricted_cross_entropy(
    logits: tf.Tensor, labels: tf.Tensor, present: tf.Tensor
) -> tf.Tensor:
  """Returns the cross-entropy over the classes that a client has.

  The other classes are left out of the softmax, so a client casts no vote
  against classes it has never seen (FedRS, KDD 2021, with alpha = 0).

  Args:
    logits: `float32[n, num_classes]`.
    labels: `int32[n]`, each of a class that is present.
    present: Which classes the client has, `bool[num_classes]`.

  Returns:
    The mean loss, `float32[]`.
  """
  return cross_entropy(tf.where(present, logits, _LEFT_OUT), labels)
