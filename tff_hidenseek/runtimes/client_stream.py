"""Results of all clients in their order, computed by a few threads."""

import collections
import concurrent.futures
from typing import Callable, Iterator, TypeVar

_Result = TypeVar('_Result')


def stream(
    function: Callable[[int], _Result],
    num_items: int,
    pool: concurrent.futures.ThreadPoolExecutor,
    num_threads: int,
) -> Iterator[_Result]:
  """Yields `function(0)`, `function(1)`, ... in order.

  Args:
    function: Computes one item; called by several threads at once.
    num_items: The number of items.
    pool: The threads.
    num_threads: Their number. At most twice as many results are held at a time.

  Yields:
    The results. An item's exception is raised in its place, after which no
    further item is started.
  """
  pending = collections.deque()
  try:
    for item in range(num_items):
      pending.append(pool.submit(function, item))
      if len(pending) == 2 * num_threads:
        yield pending.popleft().result()
    while pending:
      yield pending.popleft().result()
  finally:
    for future in pending:
      future.cancel()
    concurrent.futures.wait(pending)
