"""The connection from this program to one TFF worker."""

import grpc
import tensorflow_federated as tff

_UNLIMITED = -1
_CHANNEL_OPTIONS = (
    ('grpc.max_receive_message_length', _UNLIMITED),
    ('grpc.max_send_message_length', _UNLIMITED),
    # A worker that starts or comes back is seen within a tenth of a second.
    ('grpc.initial_reconnect_backoff_ms', 20),
    ('grpc.min_reconnect_backoff_ms', 20),
    ('grpc.max_reconnect_backoff_ms', 100),
    # Two stubs never share one connection's state of failure.
    ('grpc.use_local_subchannel_pool', 1),
)


class WorkerStub(tff.framework.RemoteExecutorGrpcStub):
  """A stub that lets go of a dead worker's values without complaint."""

  def __init__(self, target: str):
    """Starts to connect to `target`, a `host:port`, in the background."""
    self._worker_channel = grpc.insecure_channel(target, _CHANNEL_OPTIONS)
    super().__init__(self._worker_channel)

  def close(self):
    """Closes the connection; calls in progress end with an error."""
    self._worker_channel.close()

  def is_alive(self, timeout: float) -> bool:
    """Returns whether the worker answers within `timeout` seconds.

    It answers at once while it computes, and does so by saying that it does not
    know what it was asked.
    """
    ask = self._worker_channel.unary_unary('/tff_hidenseek/are_you_there')
    try:
      ask(b'', timeout=timeout)
    except grpc.RpcError as error:
      return error.code() is grpc.StatusCode.UNIMPLEMENTED
    except ValueError:  # The connection is closed.
      return False
    return True

  def dispose(self, request):
    try:
      return super().dispose(request)
    except (grpc.RpcError, ValueError):  # ValueError: the channel is closed.
      return None  # The values are gone with their worker.

  def dispose_executor(self, request):
    try:
      return super().dispose_executor(request)
    except (grpc.RpcError, ValueError):
      return None
