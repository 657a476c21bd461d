"""Tests for SignMaskedDense."""

import tensorflow as tf

from tff_hidenseek.layers import sign_masked_dense


class SignMaskedDenseTest(tf.test.TestCase):

  def test_multiplies_by_signed_weights(self):
    layer = sign_masked_dense.SignMaskedDense(2, 3)
    layer.build([None, 2])
    layer.set_frozen([0, 1, 3], [1.0, 2.0, 3.0], [1.0, -1.0, 0.0])
    # The kernel is [[1, -2], [0, 3]].
    outputs = layer(tf.constant([[1.0, 1.0], [2.0, 0.0]]))
    self.assertAllEqual(outputs, [[1, 1], [2, -4]])

  def test_raises_on_images(self):
    layer = sign_masked_dense.SignMaskedDense(2, 3)
    with self.assertRaisesRegex(ValueError, 'expected ndim=2, found ndim=4'):
      layer(tf.zeros([1, 4, 4, 1]))


if __name__ == '__main__':
  tf.test.main()
