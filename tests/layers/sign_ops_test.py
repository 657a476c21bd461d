"""Tests for sign_ops."""

import hypothesis
from hypothesis import strategies as st
import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import sign_ops


class BinarySignTest(tf.test.TestCase):

  def test_counts_zero_as_plus_one(self):
    signs = sign_ops.binary_sign(tf.constant([-2.0, -0.0, 0.0, 3.0]))
    self.assertAllEqual(signs, [-1.0, 1.0, 1.0, 1.0])

  def test_keeps_shape_and_dtype(self):
    signs = sign_ops.binary_sign(tf.zeros([2, 3], tf.float64))
    self.assertEqual(signs.dtype, tf.float64)
    self.assertEqual(signs.shape, [2, 3])


class PackBitsTest(tf.test.TestCase):

  def test_puts_the_first_bit_in_the_lowest_place(self):
    bits = tf.cast([1, 0, 1, 1, 0, 0, 0, 0, 0, 1], tf.bool)
    self.assertAllEqual(sign_ops.pack_bits(bits), [1 + 4 + 8, 2])

  def test_agrees_with_numpy_and_is_undone_at_every_length(self):
    rng = np.random.default_rng(0)
    for num_bits in range(71):
      bits = rng.integers(0, 2, num_bits).astype(bool)
      packed = sign_ops.pack_bits(tf.constant(bits, tf.bool))
      self.assertEqual(packed.dtype, tf.uint8)
      self.assertAllEqual(packed, np.packbits(bits, bitorder='little'))
      self.assertEqual(
          packed.shape[0], sign_ops.num_packed_bytes(num_bits), msg=num_bits
      )
      self.assertAllEqual(sign_ops.unpack_bits(packed, num_bits), bits)

  def test_shape_is_static_in_a_graph(self):

    @tf.function
    def pack(scores):
      return sign_ops.pack_bits(scores >= 0)

    spec = tf.TensorSpec([13], tf.float32)
    self.assertEqual(pack.get_concrete_function(spec).output_shapes, [2])


@hypothesis.given(st.lists(st.booleans(), max_size=70))
def test_unpacking_undoes_packing(bits):
  packed = sign_ops.pack_bits(tf.constant(bits, tf.bool))
  assert packed.numpy().tobytes() == np.packbits(
      np.array(bits, bool), bitorder='little'
  ).tobytes()
  unpacked = sign_ops.unpack_bits(packed, len(bits))
  assert unpacked.numpy().tolist() == bits


if __name__ == '__main__':
  tf.test.main()
