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
    self._grpc_channel = grpc.insecure_channel(target, _CHANNEL_OPTIONS)
    super().__init__(self._grpc_channel)

  def close(self):
    """Closes the connection."""
    self._grpc_channel.close()

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
