"""The connection from this program to one TFF worker."""

from typing import Any

import grpc
import tensorflow_federated as tff

from tff_hidenseek.runtimes import worker_channel


class WorkerStub(tff.framework.RemoteExecutorGrpcStub):
  """A stub that lets go of a dead worker's values without complaint.

  Attributes:
    channel: The gRPC channel.
  """

  def __init__(self, target: str) -> None:
    """Prepares for calls to `target`, a `host:port`."""
    self.channel = worker_channel.open_channel(target)
    super().__init__(_Unwatched(self.channel))

  def close(self) -> None:
    """Closes the connection; calls in progress end with an error."""
    self.channel.close()

  def is_alive(self, timeout: float) -> bool:
    """Returns whether the worker answers within `timeout` seconds."""
    return worker_channel.is_alive(self.channel, timeout)

  def dispose(self, request: object) -> Any:
    """Lets the worker forget values."""
    try:
      return super().dispose(request)
    except (grpc.RpcError, ValueError):  # ValueError: the channel is closed.
      return None  # The values are gone with their worker.

  def dispose_executor(self, request: object) -> Any:
    """Lets the worker forget an executor and all of its values."""
    try:
      return super().dispose_executor(request)
    except (grpc.RpcError, ValueError):
      return None


class _Unwatched:
  """A channel that nobody is told the state of.

  gRPC tells it from a thread that it starts for each change. When the worker
  ends with the program, Python starts no thread any more (since 3.12), and the
  error of that is printed. `is_alive` asks, and needs none.
  """

  def __init__(self, channel: grpc.Channel) -> None:
    self._channel = channel

  def subscribe(self, callback: object, try_to_connect: bool = False) -> None:
    del callback, try_to_connect

  def __getattr__(self, name: str) -> Any:
    return getattr(self._channel, name)
