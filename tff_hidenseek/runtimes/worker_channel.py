"""A gRPC connection to a TFF worker, and its errors, without TFF."""

import grpc

_UNLIMITED = -1
_OPTIONS = (
    ('grpc.max_receive_message_length', _UNLIMITED),
    ('grpc.max_send_message_length', _UNLIMITED),
    # A worker that starts or comes back is seen within a tenth of a second.
    ('grpc.initial_reconnect_backoff_ms', 20),
    ('grpc.min_reconnect_backoff_ms', 20),
    ('grpc.max_reconnect_backoff_ms', 100),
    # A worker is reached directly: a proxy of the environment, meant for web
    # pages, knows neither this host's own ports nor those of a private network.
    ('grpc.enable_http_proxy', 0),
    # Two channels never share one connection's state of failure.
    ('grpc.use_local_subchannel_pool', 1),
)


class WorkerError(ConnectionError):
  """A worker did not start, is gone, or could not run what it was sent."""


def from_rpc_error(error: grpc.RpcError, target: str) -> WorkerError:
  """Returns the error of a computation that a worker could not run.

  Args:
    error: What the call of the worker raised.
    target: The worker's address.
  """
  # What follows names TensorFlow's nodes and TFF's locals.
  reason = error.details().split('\n\t [[')[0]
  return WorkerError(f'The worker at {target} says: {reason}')


def open_channel(target: str) -> grpc.Channel:
  """Starts to connect to `target`, a `host:port`, in the background."""
  return grpc.insecure_channel(target, _OPTIONS)


def is_alive(channel: grpc.Channel, timeout: float) -> bool:
  """Returns whether the worker answers within `timeout` seconds.

  It answers at once even while it computes, and does so by saying that it does
  not know what it was asked.

  Args:
    channel: The connection to it; a closed one has no live worker.
    timeout: Seconds to wait for the answer.
  """
  ask = channel.unary_unary('/tff_hidenseek/are_you_there')
  try:
    ask(b'', timeout=timeout)
  except grpc.RpcError as error:
    return error.code() is grpc.StatusCode.UNIMPLEMENTED
  except ValueError:  # The channel is closed.
    return False
  return True
