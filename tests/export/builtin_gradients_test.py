"""Tests of the gradients made of built-in operations, against TensorFlow's."""

import unittest

import numpy as np
import tensorflow as tf

from tff_hidenseek.export import builtin_bits
from tff_hidenseek.export import builtin_gradients
from tff_hidenseek.layers import sign_ops


def _random(*shape, seed=0):
  rng = np.random.default_rng(seed)
  return tf.constant(rng.normal(size=shape), tf.float32)


def _gradients(function, sources, upstream):
  with tf.GradientTape() as tape:
    tape.watch(sources)
    outputs = function(*sources)
  return tape.gradient(outputs, sources, upstream)


class GradientsTest(unittest.TestCase):

  def _assert_close(self, found, expected):
    error = tf.norm(found - expected) / tf.norm(expected)
    self.assertLess(float(error), 1e-5)

  def test_convolutions_of_every_size_and_padding(self):
    for padding in ('same', 'valid'):
      for size in ((1, 1), (2, 2), (3, 3), (5, 5), (3, 2)):
        with self.subTest(f'{padding} {size}'):
          x, kernel = _random(4, 7, 6, 3), _random(*size, 3, 5, seed=1)

          def convolve(x, kernel, padding=padding):
            return tf.nn.conv2d(x, kernel, 1, padding.upper())

          upstream = _random(*convolve(x, kernel).shape, seed=2)
          expected = _gradients(convolve, [x, kernel], upstream)
          found = builtin_gradients.convolution_gradients(
              x, kernel, upstream, padding
          )
          for ours, theirs in zip(found, expected):
            self._assert_close(ours, theirs)

  def test_matmul(self):
    x, kernel, upstream = _random(4, 7), _random(7, 3), _random(4, 3)
    expected = _gradients(tf.matmul, [x, kernel], upstream)
    found = builtin_gradients.matmul_gradients(x, kernel, upstream)
    for ours, theirs in zip(found, expected):
      self._assert_close(ours, theirs)

  def test_relu_with_zeros(self):
    x = tf.constant([[-1.0, -0.0, 0.0, 1e-30, 2.0]])
    upstream = tf.constant([[1.0, 2.0, 3.0, 4.0, 5.0]])
    np.testing.assert_array_equal(
        builtin_gradients.relu_gradient(tf.nn.relu(x), upstream),
        _gradients(tf.nn.relu, [x], upstream)[0],
    )

  def test_max_pool_with_ties_and_odd_sides(self):
    rng = np.random.default_rng(0)
    for shape in ((3, 4, 6, 2), (2, 5, 7, 3), (1, 2, 2, 1)):
      # Three values only: most windows hold the largest several times.
      x = tf.constant(rng.integers(0, 3, shape), tf.float32)

      def pool(x):
        return tf.nn.max_pool2d(x, 2, 2, 'VALID')

      outputs = pool(x)
      upstream = _random(*outputs.shape)
      np.testing.assert_array_equal(
          builtin_gradients.max_pool_gradient(x, outputs, upstream),
          _gradients(pool, [x], upstream)[0],
      )

  def test_cross_entropy_also_of_large_logits(self):
    labels = tf.constant([0, 2, 1, 2])
    for scale in (1.0, 1000.0):
      logits = scale * _random(4, 3)

      def loss_fn(logits):
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        )

      loss, gradient, num_examples = builtin_gradients.cross_entropy(
          logits, labels
      )
      self.assertEqual(num_examples, 4)
      np.testing.assert_allclose(loss, loss_fn(logits), rtol=1e-5)
      self._assert_close(gradient, _gradients(loss_fn, [logits], None)[0])

  def test_label_that_is_no_class_leaves_its_example_out(self):
    logits, labels = _random(4, 3), tf.constant([0, 2, 1, 2])
    loss, gradient, _ = builtin_gradients.cross_entropy(logits, labels)
    for others in ([-1, -1], [3, -2], [1000, -(2**31)]):
      padded_loss, padded_gradient, num_examples = (
          builtin_gradients.cross_entropy(
              tf.concat([logits, _random(2, 3, seed=1)], 0),
              tf.concat([labels, others], 0),
          )
      )
      self.assertEqual(num_examples, 4)
      np.testing.assert_allclose(loss, padded_loss, rtol=1e-6)
      np.testing.assert_allclose(gradient, padded_gradient[:4], rtol=1e-6)
      np.testing.assert_array_equal(padded_gradient[4:], 0)

  def test_without_examples_loss_and_gradient_are_zero(self):
    loss, gradient, num_examples = builtin_gradients.cross_entropy(
        _random(2, 3), tf.constant([-1, 3])
    )
    self.assertEqual((loss, num_examples), (0, 0))
    np.testing.assert_array_equal(gradient, np.zeros([2, 3]))


class BitsTest(unittest.TestCase):

  def test_bits_are_packed_as_on_the_server(self):
    rng = np.random.default_rng(0)
    for length in range(1, 40):
      bits = tf.constant(rng.random(length) < 0.5)
      packed = builtin_bits.pack_bits(bits)
      np.testing.assert_array_equal(packed, sign_ops.pack_bits(bits))
      np.testing.assert_array_equal(
          builtin_bits.unpack_digits(packed, 1, length), bits
      )

  def test_every_byte_is_unpacked_into_nibbles(self):
    every_byte = tf.range(256)
    np.testing.assert_array_equal(
        builtin_bits.unpack_digits(tf.cast(every_byte, tf.uint8), 4, 512),
        np.stack([every_byte % 16, every_byte // 16], 1).ravel(),
    )


if __name__ == '__main__':
  unittest.main()
