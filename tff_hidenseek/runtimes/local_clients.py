"""Clients that run in this process, on a few threads."""

import collections
import concurrent.futures
from typing import Callable, Deque, Iterator, Sequence, TypeVar

import tensorflow as tf

from tff_hidenseek.runtimes import schedule

_Result = TypeVar('_Result')


class LocalClients:
  """Runs clients in parallel and folds what they give in their order."""

  def __init__(self, num_threads: int, devices: Sequence[str]) -> None:
    """Starts the threads.

    Args:
      num_threads: The number of clients to run at a time.
      devices: The names of the devices to run them on, in turn.
    """
    self._num_threads = num_threads
    self._devices = list(devices)
    self._pool = concurrent.futures.ThreadPoolExecutor(
        num_threads, thread_name_prefix='clients'
    )

  def visit(self, visit: schedule.Visit) -> schedule.VisitResult:
    """Makes a visit: see `schedule.VisitFn`."""
    work = visit.work
    copies = [self._copy_to(device, visit.shared) for device in self._devices]
    work.clients.trace(1)  # Once, before the threads ask for it.

    def run_client(index: int) -> schedule.Tensors:
      inputs = visit.get_inputs(index)
      turn = index % len(self._devices)
      with tf.device(self._devices[turn]):
        _, (outputs,) = work.clients.run(copies[turn], [], [inputs])
      return outputs

    num_values = len(work.accumulate.inputs)
    places = [work.clients.outputs.index(symbol) for symbol in work.kept]
    totals, kept = visit.zero, []  # type: schedule.VisitResult
    for outputs in stream(
        run_client, visit.num_clients, self._pool, 2 * self._num_threads
    ):
      totals, _ = work.accumulate.run(
          visit.accumulate_shared, totals, [outputs[:num_values]]
      )
      if places:
        kept.append([outputs[place] for place in places])
    return totals, kept

  def _copy_to(
      self, device: str, tensors: schedule.Tensors
  ) -> schedule.Tensors:
    if len(self._devices) == 1:
      return tensors
    with tf.device(device):
      return [tf.identity(tensor) for tensor in tensors]


def stream(
    function: Callable[[int], _Result],
    num_items: int,
    pool: concurrent.futures.ThreadPoolExecutor,
    window: int,
) -> Iterator[_Result]:
  """Yields `function(0)`, `function(1)`, ... in order.

  Args:
    function: Computes one item; called by several threads at once.
    num_items: The number of items.
    pool: The threads.
    window: How many items are started before the first of them is taken.

  Yields:
    The results. An item's exception is raised in its place, after which no
    further item is started.
  """
  pending: Deque[concurrent.futures.Future[_Result]] = collections.deque()
  try:
    for item in range(num_items):
      pending.append(pool.submit(function, item))
      if len(pending) == window:
        yield pending.popleft().result()
    while pending:
      yield pending.popleft().result()
  finally:
    for future in pending:
      future.cancel()
    concurrent.futures.wait(pending)
