"""Tests of the examples that pages are given."""

import os
import struct

from absl.testing import absltest
import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.web import shards as shards_lib


def _read(index):
  # So many images of 1 x 2 pixels as the shard's number.
  return np.full([index, 1, 2, 1], 0.5, np.float32), np.arange(index)


class ShardsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir(), 'shards')

  def _open(self):
    shards = shards_lib.Shards(self.path, (3, 5), _read)
    self.addCleanup(shards.close)
    return shards

  def test_each_client_has_one_for_ever(self):
    shards = self._open()
    self.assertEqual(shards.give(7)[:4], struct.pack('<I', 3))
    self.assertEqual(shards.give(0)[:4], struct.pack('<I', 5))
    self.assertEqual(shards.give(7)[:4], struct.pack('<I', 3))
    again = self._open()
    self.assertEqual(again.give(0)[:4], struct.pack('<I', 5))
    with self.assertRaisesRegex(
        protocol.Refusal, 'All 2 shards of examples are given'
    ):
      again.give(1)

  def test_sizes_come_first_then_labels_then_images(self):
    self.assertEqual(
        self._open().give(0),
        struct.pack('<4I', 3, 1, 2, 1)
        + struct.pack('<3i', 0, 1, 2)
        + struct.pack('<6f', *[0.5] * 6),
    )


if __name__ == '__main__':
  absltest.main()
