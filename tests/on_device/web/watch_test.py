"""Tests of what onlookers may know."""

import os

from absl.testing import absltest

from tff_hidenseek.on_device import round_result
from tff_hidenseek.on_device.web import watch as watch_lib


class WatchTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir(), 'rounds.json')
    self.seconds = 0.0

  def _open(self):
    return watch_lib.Watch(
        self.path, lambda: b'votes', lambda votes: len(votes) / 10,
        lambda: self.seconds,
    )

  def test_rounds_outlive_a_restart(self):
    watch = self._open()
    watch.add(round_result.RoundResult(1, 4, 10, 3))
    watch.add(round_result.RoundResult(2, failure='nobody came'))
    watch.close()
    self.assertEqual(
        self._open().rounds,
        [
            dict(number=1, votes=4, down=10, up=3, accuracy=0.5),
            dict(number=2, votes=0, down=0, up=0, accuracy=0.5),
        ],
    )

  def test_who_was_not_heard_of_for_half_a_minute_is_not_present(self):
    watch = self._open()
    watch.see(3)
    self.seconds = 20.0
    watch.see(5)
    watch.see(5)
    self.assertEqual(watch.num_present, 2)
    self.seconds = 31.0
    self.assertEqual(watch.num_present, 1)


if __name__ == '__main__':
  absltest.main()
