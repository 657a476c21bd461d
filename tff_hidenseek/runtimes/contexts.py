"""The table of TFF execution contexts that an experiment can run on."""

from typing import Callable, Mapping, Optional, Sequence

import attrs
import tensorflow_federated as tff

from tff_hidenseek.runtimes import cluster
from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import worker


@attrs.frozen(kw_only=True)
class RuntimeOptions:
  """Where and how fast computations run; they never change what a run gives.

  Attributes:
    client_threads: Clients trained at a time in this process; `None` is the
      number of cores, or four for each GPU.
    client_devices: Devices that train clients in this process; `None` is all
      GPUs, else the CPU.
    workers: Addresses `host:port` of the workers of a cluster.
    worker_timeout: Seconds that a worker on this machine may take to start. In
      a cluster, seconds without an answer after which a worker's clients move
      to another, and without any worker that answers after which a computation
      fails.
  """

  client_threads: Optional[int] = None
  client_devices: Optional[Sequence[str]] = None
  workers: Sequence[str] = ()
  worker_timeout: float = 60.0


def _create_in_process(options: RuntimeOptions) -> tff.framework.SyncContext:
  return in_process.create_in_process_context(
      client_threads=options.client_threads,
      client_devices=options.client_devices,
  )


def _create_worker(options: RuntimeOptions) -> tff.framework.SyncContext:
  return worker.create_worker_context(start_timeout=options.worker_timeout)


def _create_cluster(options: RuntimeOptions) -> tff.framework.SyncContext:
  return cluster.create_cluster_context(options.workers, options.worker_timeout)


RUNTIMES: Mapping[
    str, Callable[[RuntimeOptions], tff.framework.SyncContext]
] = {
    'in_process': _create_in_process,
    'worker': _create_worker,
    'cluster': _create_cluster,
}
