"""Tests for SignMaskedConv2D."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import sign_masked_conv2d


class SignMaskedConv2DTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.product(
      kernel_size=[3, (3, 2)],
      strides=[1, 2, (2, 1)],
      padding=['valid', 'same'],
  )
  def test_equals_keras_with_the_same_kernel(self, **kwargs):
    layer = sign_masked_conv2d.SignMaskedConv2D(4, num_kept=9, **kwargs)
    plain = tf.keras.layers.Conv2D(4, use_bias=False, **kwargs)
    rng = np.random.default_rng(0)
    images = rng.normal(size=[2, 7, 6, 3]).astype(np.float32)
    self.assertEqual(layer(images).shape, plain(images).shape)
    positions = np.sort(rng.choice(plain.kernel.shape.num_elements(), 9, False))
    layer.set_frozen(positions, rng.normal(size=9), rng.normal(size=9))
    plain.kernel.assign(layer.kernel)
    self.assertAllEqual(layer(images), plain(images))

  def test_raises_on_unknown_padding(self):
    with self.assertRaisesRegex(
        ValueError, "`padding` must be 'valid' or 'same', found 'SAME'"
    ):
      sign_masked_conv2d.SignMaskedConv2D(4, 3, 9, padding='SAME')


if __name__ == '__main__':
  tf.test.main()
