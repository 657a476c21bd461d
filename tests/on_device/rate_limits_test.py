"""Tests of how many requests are answered."""

from absl.testing import absltest

from tff_hidenseek.on_device import rate_limits


class RateLimitsTest(absltest.TestCase):

  def test_burst_then_so_many_a_second(self):
    seconds = [0.0]
    limits = rate_limits.RateLimits(0.5, 2, lambda: seconds[0])
    self.assertEqual([limits.seconds_to_wait('a') for _ in range(3)], [0, 0, 2])
    seconds[0] = 1.0
    self.assertEqual(limits.seconds_to_wait('a'), 1)
    seconds[0] = 2.0
    self.assertEqual([limits.seconds_to_wait('a') for _ in range(2)], [0, 2])
    seconds[0] = 1000.0
    self.assertEqual([limits.seconds_to_wait('a') for _ in range(3)], [0, 0, 2])

  def test_keys_do_not_share(self):
    limits = rate_limits.RateLimits(1, 1, lambda: 0.0)
    self.assertEqual(limits.seconds_to_wait('a'), 0)
    self.assertEqual(limits.seconds_to_wait('b'), 0)
    self.assertEqual(limits.seconds_to_wait('a'), 1)

  def test_strangers_do_not_fill_the_memory(self):
    limits = rate_limits.RateLimits(1, 1, lambda: 0.0)
    for key in range(20_000):
      limits.seconds_to_wait(key)
    self.assertLessEqual(len(limits._buckets), 10_000)


if __name__ == '__main__':
  absltest.main()
