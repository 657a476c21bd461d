"""Tests of integers that are packed without gaps."""

from absl.testing import absltest
import numpy as np

from tff_hidenseek.on_device.secure_aggregation import packed_integers


class PackedIntegersTest(absltest.TestCase):

  def test_lowest_bits_come_first(self):
    # 001, 110, 101 from the right: 1 01|110|001, then 1 in the second byte.
    packed = packed_integers.pack(np.array([1, 6, 5], np.uint16), 3)
    self.assertEqual(packed, bytes([0b01110001, 0b1]))

  def test_every_width_comes_back(self):
    rng = np.random.default_rng(0)
    for bits in range(1, packed_integers.MAX_BITS + 1):
      values = rng.integers(0, 2**bits, 101).astype(np.uint16)
      packed = packed_integers.pack(values, bits)
      self.assertLen(packed, -(-101 * bits // 8))
      np.testing.assert_array_equal(
          packed_integers.unpack(packed, bits, 101), values
      )

  def test_one_bit_is_as_votes_are_packed(self):
    values = np.array([1, 0, 0, 1, 1, 0, 1, 0, 1], np.uint16)
    self.assertEqual(
        packed_integers.pack(values, 1),
        np.packbits(values.astype(np.uint8), bitorder='little').tobytes(),
    )

  def test_sum_of_all_clients_has_room(self):
    self.assertEqual(
        {n: packed_integers.num_bits(n) for n in (1, 3, 4, 7, 10, 30, 31, 32)},
        {1: 1, 3: 2, 4: 3, 7: 3, 10: 4, 30: 5, 31: 5, 32: 6},
    )


if __name__ == '__main__':
  absltest.main()
