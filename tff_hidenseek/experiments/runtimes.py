"""The table of TFF execution contexts that an experiment can run on."""

from typing import Callable, Mapping, Optional

import attrs
import tensorflow_federated as tff

from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import worker


@attrs.frozen(kw_only=True)
class RuntimeOptions:
  """Where and how fast computations run; they never change what a run gives.

  Attributes:
    client_threads: Clients trained at a time in this process; `None` is the
      number of cores.
    worker_log: A file for the output of TFF's worker; `None` discards it.
  """

  client_threads: Optional[int] = None
  worker_log: Optional[str] = None


def _create_in_process(options: RuntimeOptions) -> tff.framework.SyncContext:
  return in_process.create_in_process_context(
      client_threads=options.client_threads
  )


def _create_worker(options: RuntimeOptions) -> tff.framework.SyncContext:
  return worker.create_worker_context(log_path=options.worker_log)


RUNTIMES: Mapping[str, Callable[[RuntimeOptions], object]] = {
    'in_process': _create_in_process,
    'worker': _create_worker,
}
