"""A TFF execution context whose clients run on workers on many hosts.

The server's part of a computation runs in this process, as with the in-process
runtime. Each pass over the clients is split into as many groups as there are
workers, sent as a TFF computation to TFF's own workers, and merged in the order
of the groups: a result does not depend on who computed what.
"""

import asyncio
from typing import Any, List, Sequence, Tuple
import weakref

import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import remote_visit
from tff_hidenseek.runtimes import remote_workers
from tff_hidenseek.runtimes import schedule
from tff_hidenseek.runtimes import worker_stub


def create_cluster_context(
    workers: Sequence[str], worker_timeout: float = 60.0
) -> tff.framework.SyncContext:
  """Creates a context that runs clients on workers.

  A worker runs whatever graph it is sent, for anyone who reaches its port: keep
  it in a private network or behind a tunnel.

  Args:
    workers: The addresses, `host:port`, of workers started with `python -m
      binaries.worker`. They may start later, die and come back.
    worker_timeout: Seconds, positive, without an answer after which a worker
      counts as dead, and without a live worker after which a computation raises
      `WorkerError`.

  Returns:
    A context for `tff.framework.set_default_context`.

  Raises:
    ValueError: If an argument is not as said.
  """
  for worker in workers:
    host, _, port = worker.rpartition(':')
    if not host or not port.isdigit():
      raise ValueError(
          f'`workers` must be addresses `host:port`, found {worker!r}.'
      )
  if not workers:
    raise ValueError('`workers` must name at least one, found none.')
  if worker_timeout <= 0:
    raise ValueError(
        f'`worker_timeout` must be positive, found {worker_timeout}.'
    )
  clients = _RemoteClients(
      remote_workers.RemoteWorkers(workers, worker_timeout)
  )
  return in_process.InProcessContext(clients.visit)


class _RemoteClients:
  """Visits clients on workers."""

  def __init__(self, workers: remote_workers.RemoteWorkers):
    self._workers = workers
    self._remote_visits: weakref.WeakKeyDictionary[
        schedule.Pass, remote_visit.RemoteVisit
    ] = weakref.WeakKeyDictionary()

  def visit(self, visit: schedule.Visit) -> schedule.VisitResult:
    """Makes a visit: see `schedule.VisitFn`."""
    if not visit.num_clients:
      return visit.zero, []
    remote = self._remote_visits.get(visit.work)
    if remote is None:
      remote = remote_visit.build_remote_visit(visit.work)
      self._remote_visits[visit.work] = remote
    groups: List[Sequence[int]] = [
        list(group)
        for group in np.array_split(
            np.arange(visit.num_clients, dtype=np.int32),
            min(visit.num_clients, self._workers.num_workers),
        )
    ]

    def run_group(
        stub: worker_stub.WorkerStub, index: int
    ) -> schedule.VisitResult:
      argument = remote.make_argument(visit, groups[index])
      executor = tff.framework.RemoteExecutor(stub)
      return remote.read_result(
          asyncio.run(
              _invoke(executor, remote.computation, argument, groups[index])
          )
      )

    results = self._workers.run(run_group, len(groups))
    partials = [partial for partial, _ in results]
    totals = partials[0]
    if totals and len(partials) > 1:
      totals, _ = visit.work.merge.run([], totals, partials[1:])
    return totals, [client for _, kept in results for client in kept]


async def _invoke(
    executor: tff.framework.RemoteExecutor,
    computation: tff.framework.ConcreteComputation,
    argument: Tuple[object, ...],
    clients: Sequence[int],
) -> Any:
  """Runs a computation in a worker."""
  executor.set_cardinalities({tff.CLIENTS: len(clients)})
  try:
    function = await executor.create_value(
        computation, computation.type_signature
    )
    value = await executor.create_value(
        argument, computation.type_signature.parameter
    )
    result = await executor.create_call(function, value)
    return await result.compute()
  finally:
    executor.close()
