import concurrent.futures
import threading
import unittest

from tff_hidenseek.runtimes import local_clients


class StreamTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    self._pool = concurrent.futures.ThreadPoolExecutor(2)
    self.addCleanup(self._pool.shutdown)

  def test_yields_in_order_whatever_ends_first(self):
    second_ended = threading.Event()

    def work(item):
      if item == 0:
        second_ended.wait()
      if item == 1:
        second_ended.set()
      return item * item

    results = local_clients.stream(work, 5, self._pool, window=4)
    self.assertEqual(list(results), [0, 1, 4, 9, 16])

  def test_starts_no_more_items_than_the_window(self):
    started = []

    def work(item):
      started.append(item)
      return item

    results = local_clients.stream(work, 100, self._pool, window=3)
    self.assertEqual(next(results), 0)
    results.close()
    self.assertLessEqual(len(started), 3)

  def test_raises_in_the_place_of_the_item(self):
    def work(item):
      if item == 2:
        raise KeyError('deliberate')
      return item

    results = local_clients.stream(work, 5, self._pool, window=4)
    self.assertEqual([next(results), next(results)], [0, 1])
    with self.assertRaisesRegex(KeyError, 'deliberate'):
      next(results)

  def test_yields_nothing_for_nothing(self):
    self.assertEqual(
        list(local_clients.stream(lambda item: item, 0, self._pool, 2)), []
    )


if __name__ == '__main__':
  unittest.main()
