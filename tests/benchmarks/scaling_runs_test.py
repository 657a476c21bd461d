import unittest

from benchmarks import scaling_runs

_TINY = scaling_runs.Size(model='linear', num_clients=100)


class ScalingRunsTest(unittest.TestCase):

  def test_times_rounds(self):
    timing = scaling_runs.time_rounds(_TINY, num_rounds=2)
    self.assertEqual(timing.num_weights, 640)
    self.assertGreater(timing.seconds_per_round, 0)
    self.assertGreater(timing.peak_mib, 100)

  def test_memory_does_not_grow_with_rounds(self):
    trace = scaling_runs.trace_memory(_TINY, num_rounds=200)
    # The clients' data, if every round kept a copy, would be 10 MiB.
    self.assertLess(trace[-1][1] - trace[0][1], 4)


if __name__ == '__main__':
  unittest.main()
