"""Tasks spread over TFF workers that may die and come back."""

import collections
import threading
import time
from typing import (
    Callable, Dict, Generic, List, Optional, Sequence, Set, TypeVar)

import grpc

from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_stub

_Result = TypeVar('_Result')

_POLL_SECONDS = 0.05
# Tasks that take down so many workers are to blame themselves.
_MAX_LOSSES = 5
# What gRPC says of a worker that is gone, or back without its values.
_LOSS_CODES = frozenset({
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.DEADLINE_EXCEEDED,
})


class RemoteWorkers:
  """Runs tasks, each on some live worker."""

  def __init__(self, targets: Sequence[str], timeout: float) -> None:
    """Starts to connect to the workers.

    Args:
      targets: Their addresses, `host:port`.
      timeout: Seconds without an answer after which a worker counts as dead,
        and without a live worker after which tasks fail.
    """
    self._targets = list(targets)
    self._timeout = timeout
    self._stubs = [worker_stub.WorkerStub(target) for target in targets]

  @property
  def num_workers(self) -> int:
    """How many workers there are, alive or not."""
    return len(self._targets)

  def run(
      self,
      task: Callable[[worker_stub.WorkerStub, int], _Result],
      num_tasks: int,
  ) -> List[_Result]:
    """Runs `task(stub, 0)`, ... `task(stub, num_tasks - 1)`.

    A task whose worker is lost starts again on another, or on the same worker
    once that is back.

    Args:
      task: Runs one task on a worker.
      num_tasks: The number of tasks.

    Returns:
      The results, in the order of the tasks.

    Raises:
      WorkerError: If no worker lives for the timeout, if workers keep dying, or
        if one says that it cannot run a task.
      Exception: What `task` raises for any other reason.
    """
    tasks: _Tasks[_Result] = _Tasks(num_tasks)
    for place in range(self.num_workers):
      threading.Thread(
          target=self._serve, args=(tasks, place, task), daemon=True
      ).start()
    last_probe = time.monotonic()
    while not tasks.wait(_POLL_SECONDS):
      now = time.monotonic()
      if now - tasks.last_alive > self._timeout:
        tasks.fail(
            worker_channel.WorkerError(
                f'No live worker among {self._targets} within'
                f' {self._timeout:g} s. Start one with `python -m'
                ' binaries.worker` and resume.'
            )
        )
      if now - last_probe > 1:
        self._probe_busy(tasks)
        last_probe = time.monotonic()
    return tasks.get_results()

  def _probe_busy(self, tasks: '_Tasks[_Result]') -> None:
    """Gives up the connections to workers that do not answer any more."""
    for place in tasks.busy:
      if self._stubs[place].is_alive(self._timeout):
        tasks.note_alive()
      else:
        self._replace_stub(place)

  def _replace_stub(self, place: int) -> None:
    self._stubs[place].close()
    self._stubs[place] = worker_stub.WorkerStub(self._targets[place])

  def _serve(
      self,
      tasks: '_Tasks[_Result]',
      place: int,
      task: Callable[[worker_stub.WorkerStub, int], _Result],
  ) -> None:
    """Runs tasks on one worker until all are done."""
    while not tasks.is_over:
      if not self._stubs[place].is_alive(timeout=1.0):
        time.sleep(_POLL_SECONDS)
        continue
      tasks.note_alive()
      index = tasks.take(place)
      if index is None:
        time.sleep(_POLL_SECONDS)
        continue
      stub = self._stubs[place]
      try:
        result = task(stub, index)
      except Exception as error:  # pylint: disable=broad-except
        # A stub that was given up fails in any way.
        if _is_loss(error) or stub is not self._stubs[place]:
          tasks.put_back(place, index, self._targets[place])
        elif isinstance(error, grpc.RpcError):
          tasks.fail(
              worker_channel.from_rpc_error(error, self._targets[place])
          )
        else:
          tasks.fail(error)
      else:
        tasks.finish(place, index, result)


def _is_loss(error: Exception) -> bool:
  return isinstance(error, grpc.RpcError) and error.code() in _LOSS_CODES


class _Tasks(Generic[_Result]):
  """The state of a run, shared by its threads."""

  def __init__(self, num_tasks: int) -> None:
    self._waiting = collections.deque(range(num_tasks))
    self._results: Dict[int, _Result] = {}
    self._num_tasks = num_tasks
    self._losses = 0
    self._error: Optional[Exception] = None
    self._busy: Set[int] = set()
    self._changed = threading.Condition()
    self.last_alive = time.monotonic()

  @property
  def is_over(self) -> bool:
    return self._error is not None or len(self._results) == self._num_tasks

  @property
  def busy(self) -> List[int]:
    with self._changed:
      return sorted(self._busy)

  def wait(self, seconds: float) -> bool:
    """Waits for the end; returns whether it has come."""
    with self._changed:
      return self._changed.wait_for(lambda: self.is_over, seconds)

  def note_alive(self) -> None:
    self.last_alive = time.monotonic()

  def take(self, place: int) -> Optional[int]:
    with self._changed:
      if self.is_over or not self._waiting:
        return None
      self._busy.add(place)
      return self._waiting.popleft()

  def finish(self, place: int, index: int, result: _Result) -> None:
    with self._changed:
      self._busy.discard(place)
      self._results[index] = result
      self._changed.notify_all()

  def put_back(self, place: int, index: int, target: str) -> None:
    with self._changed:
      self._busy.discard(place)
      self._waiting.appendleft(index)
      self._losses += 1
      if self._losses > _MAX_LOSSES:
        self._error = worker_channel.WorkerError(
            f'Workers were lost {self._losses} times in one round, {target} at'
            ' last. See their logs: they may be short of memory.'
        )
        self._changed.notify_all()

  def fail(self, error: Exception) -> None:
    with self._changed:
      if not self.is_over:
        self._error = error
        self._changed.notify_all()

  def get_results(self) -> List[_Result]:
    if self._error is not None:
      raise self._error
    return [self._results[index] for index in range(self._num_tasks)]
