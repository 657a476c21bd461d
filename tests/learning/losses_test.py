import math

import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import losses


def _loss_and_gradient(logits, labels):
  """Returns the loss of logits with their labels' prior, and its gradient."""
  logits = tf.constant(logits)
  prior = losses.log_class_prior(tf.constant(labels), logits.shape[1])
  with tf.GradientTape() as tape:
    tape.watch(logits)
    loss = losses.cross_entropy(logits + prior, tf.constant(labels))
  return loss, tape.gradient(loss, logits).numpy()


def _label_skew(labels, num_classes):
  prior = losses.log_class_prior(tf.constant(labels), num_classes)
  return losses.label_skew(prior)


class CrossEntropyTest(tf.test.TestCase):

  def test_is_the_mean_over_the_batch(self):
    logits = tf.math.log([[1.0, 3.0], [4.0, 4.0]])
    loss = losses.cross_entropy(logits, tf.constant([0, 1]))
    self.assertAllClose(loss, (np.log(4) + np.log(2)) / 2)


class LogClassPriorTest(tf.test.TestCase):

  def test_is_the_log_of_the_frequencies(self):
    prior = losses.log_class_prior(tf.constant([2, 0, 2, 2]), 3)
    self.assertAllClose(tf.exp(prior), [1 / 4, 0, 3 / 4])

  def test_is_finite_for_an_absent_class(self):
    prior = losses.log_class_prior(tf.constant([1]), 2)
    self.assertTrue(np.all(np.isfinite(prior)))
    self.assertEqual(prior[1], 0)

  def test_weighs_the_classes_of_the_softmax(self):
    # Class 0 is three times as frequent: 3 * 2 against 1 * 6.
    loss, _ = _loss_and_gradient(
        [[math.log(2), math.log(6)]] * 4, [0, 0, 0, 1]
    )
    self.assertAllClose(loss, math.log(2))

  def test_gives_no_gradient_to_absent_classes(self):
    _, gradient = _loss_and_gradient(
        [[0.5, 80.0, -0.5], [90.0, 90.0, 0.0]], [0, 2]
    )
    self.assertAllEqual(gradient[:, 1], [0, 0])
    self.assertAllGreater(np.abs(gradient[:, [0, 2]]), 0)

  def test_is_the_plain_loss_where_classes_are_equally_frequent(self):
    logits, labels = [[0.5, 1.0], [0.0, -2.0]], [1, 0]
    loss, _ = _loss_and_gradient(logits, labels)
    self.assertAllClose(
        loss, losses.cross_entropy(tf.constant(logits), tf.constant(labels))
    )

  def test_is_no_loss_for_a_client_of_one_class(self):
    loss, gradient = _loss_and_gradient([[3.0, 9.0]], [0])
    self.assertAllEqual(loss, 0)
    self.assertAllEqual(gradient, [[0, 0]])


class LabelSkewTest(tf.test.TestCase):

  def test_is_zero_where_classes_are_equally_frequent(self):
    self.assertAllClose(_label_skew([2, 0, 1, 1, 2, 0], 3), 0)

  def test_is_one_for_a_client_of_one_class(self):
    for num_classes in (2, 10):
      self.assertAllEqual(_label_skew([1, 1, 1], num_classes), 1)

  def test_is_what_the_entropy_lacks(self):
    # Two of four classes: an entropy of 1 bit where 2 are possible.
    self.assertAllClose(_label_skew([3, 0], 4), 0.5)
    # Frequencies 1/2, 1/4, 1/8, 1/8: 1.75 bits of 2.
    self.assertAllClose(_label_skew([0, 0, 0, 0, 1, 1, 2, 3], 4), 0.125)


if __name__ == '__main__':
  tf.test.main()
