import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import losses


class CrossEntropyTest(tf.test.TestCase):

  def test_is_the_mean_over_the_batch(self):
    logits = tf.math.log([[1.0, 3.0], [4.0, 4.0]])
    loss = losses.cross_entropy(logits, tf.constant([0, 1]))
    self.assertAllClose(loss, (np.log(4) + np.log(2)) / 2)


class PresentClassesTest(tf.test.TestCase):

  def test_marks_the_classes_that_occur(self):
    present = losses.present_classes(tf.constant([2, 0, 2]), 4)
    self.assertAllEqual(present, [True, False, True, False])


class RestrictedCrossEntropyTest(tf.test.TestCase):

  def test_leaves_absent_classes_out_of_the_softmax(self):
    logits = tf.math.log([[1.0, 50.0, 3.0]])
    loss = losses.restricted_cross_entropy(
        logits, tf.constant([0]), tf.constant([True, False, True])
    )
    self.assertAllClose(loss, np.log(4))

  def test_gives_no_gradient_to_absent_classes(self):
    logits = tf.constant([[0.5, 80.0, -0.5], [90.0, 90.0, 0.0]])
    with tf.GradientTape() as tape:
      tape.watch(logits)
      loss = losses.restricted_cross_entropy(
          logits, tf.constant([0, 2]), tf.constant([True, False, True])
      )
    gradient = tape.gradient(loss, logits).numpy()
    self.assertAllEqual(gradient[:, 1], [0, 0])
    self.assertAllGreater(np.abs(gradient[:, [0, 2]]), 0)

  def test_is_the_plain_loss_where_all_classes_are_present(self):
    logits = tf.constant([[0.5, 1.0], [0.0, -2.0]])
    labels = tf.constant([0, 1])
    self.assertAllClose(
        losses.restricted_cross_entropy(logits, labels, tf.fill([2], True)),
        losses.cross_entropy(logits, labels),
    )

  def test_is_zero_for_a_client_of_one_class(self):
    loss = losses.restricted_cross_entropy(
        tf.constant([[3.0, 9.0]]), tf.constant([0]), tf.constant([True, False])
    )
    self.assertAllEqual(loss, 0)


if __name__ == '__main__':
  tf.test.main()
