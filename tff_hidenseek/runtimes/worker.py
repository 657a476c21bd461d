"""TFF's own runtime on this machine, as a context that cleans up."""

from typing import MutableMapping, Optional
import weakref

import grpc
import tensorflow_federated as tff

from tff_hidenseek.runtimes import dataflow_builder
from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_process
from tff_hidenseek.runtimes import worker_stub


def create_worker_context(
    log_path: Optional[str] = None, start_timeout: float = 60.0
) -> tff.framework.SyncExecutionContext:
  """Creates a context that runs computations in TFF's worker on this machine.

  The worker starts with the first computation, ends with this program however
  that ends, and never writes to this program's output.

  Args:
    log_path: A file to append the worker's output to; None discards it.
    start_timeout: Seconds, positive, that the worker may take to start.

  Returns:
    A context for `tff.framework.set_default_context`. A computation that fails,
    or during which the worker dies, raises `WorkerError`; after a death the
    next one starts another worker.
  """
  if start_timeout <= 0:
    raise ValueError(
        f'`start_timeout` must be positive, found {start_timeout}.'
    )
  service = _WorkerService(log_path, start_timeout)
  context = _WorkerContext(
      executor_fn=tff.framework.ResourceManagingExecutorFactory(
          service.create_executor
      ),
      compiler_fn=dataflow_builder.compile_to_native,
      transform_args=tff.tensorflow.transform_args,
      transform_result=tff.tensorflow.transform_result,
  )
  weakref.finalize(context, service.stop)
  return context


class _WorkerContext(tff.framework.SyncExecutionContext):
  """Says in one sentence what the worker could not run."""

  def invoke(
      self, comp: tff.framework.ConcreteComputation, arg: object
  ) -> object:
    try:
      return super().invoke(comp, arg)
    except grpc.RpcError as error:
      raise worker_channel.from_rpc_error(error, 'localhost') from error


class _WorkerService:
  """Starts the worker when it is first needed, and reports its death."""

  def __init__(self, log_path: Optional[str], start_timeout: float) -> None:
    self._log_path = log_path
    self._start_timeout = start_timeout
    self._process: Optional[worker_process.WorkerProcess] = None
    self._stub: Optional[worker_stub.WorkerStub] = None

  def create_executor(
      self, cardinalities: MutableMapping[object, int]
  ) -> tff.framework.RemoteExecutor:
    """Returns an executor in the worker for that many clients."""
    cardinalities.setdefault(tff.CLIENTS, 0)
    executor = tff.framework.RemoteExecutor(self._connect())
    executor.set_cardinalities(cardinalities)
    return executor

  def stop(self) -> None:
    """Ends the worker, if it runs."""
    if self._process is not None and self._stub is not None:
      self._process.stop()
      self._stub.close()

  def _connect(self) -> Optional[worker_stub.WorkerStub]:
    if self._process is None:
      self._process = worker_process.WorkerProcess(log_path=self._log_path)
      self._stub = worker_stub.WorkerStub(f'localhost:{self._process.port}')
      try:
        worker_process.wait_until_alive(
            self._process, self._stub.channel, self._start_timeout
        )
      except Exception:
        self._process = None
        raise
    elif not self._process.is_running:
      # TFF asks for an executor again when a call has failed.
      process, self._process = self._process, None
      raise worker_channel.WorkerError(process.describe_end())
    return self._stub
