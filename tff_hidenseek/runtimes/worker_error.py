"""The error of everything that goes wrong with TFF's workers."""

import grpc


class WorkerError(RuntimeError):
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
