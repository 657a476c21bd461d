"""A TFF worker process that never outlives the program that started it.

TFF's wheel holds its runtime as a program that serves a gRPC port. Started by
TFF itself it is only ended by `__del__`, so it can stay behind and hold the
program's pipes open (`train | tee log` then never returns).
"""

import atexit
import importlib.util
import os
import socket
import subprocess
import threading
import time
from typing import Optional

import grpc

from tff_hidenseek.runtimes import parent_bound
from tff_hidenseek.runtimes import worker_channel

# Found without an import of TFF, which takes seconds.
_TFF = importlib.util.find_spec('tensorflow_federated')
assert _TFF is not None and _TFF.submodule_search_locations is not None
_BINARY = os.path.join(
    _TFF.submodule_search_locations[0], 'data', 'worker_binary'
)


class WorkerProcess:
  """Runs TFF's worker on this machine until `stop` or this program's end.

  A thread of its own starts the worker and waits for it: the kernel's kill
  follows the thread that started a process, which must therefore live as long.

  Attributes:
    port: The port that the worker serves, on every interface of this machine.
    pid: The worker's process id.
  """

  def __init__(self, port: int = 0, log_path: Optional[str] = None) -> None:
    """Starts the worker.

    Args:
      port: The port to serve; 0 takes one that is free.
      log_path: A file to append the worker's output to; None discards it.

    Raises:
      WorkerError: If another program, such as another worker, has the port, or
        if the worker's program can not be started.
    """
    self._reservation = reserve_port(port)
    self.port: int = self._reservation.getsockname()[1]
    self._log_path = log_path
    self._process: Optional[subprocess.Popen[bytes]] = None
    self._error: Optional[OSError] = None
    self._started = threading.Event()
    self._ended = threading.Event()
    threading.Thread(
        target=self._run, name=f'tff_worker_{self.port}', daemon=True
    ).start()
    self._started.wait()
    if self._process is None:
      raise worker_channel.WorkerError(
          f"TFF's worker {_BINARY} can not be started: {self._error}."
      ) from self._error
    self.pid = self._process.pid
    atexit.register(self.stop)

  def _run(self) -> None:
    log_path = self._log_path if self._log_path is not None else os.devnull
    try:
      with open(log_path, 'ab') as log:
        process = self._process = subprocess.Popen(
            parent_bound.bind([_BINARY, f'--port={self.port}']),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C is for the program that started it, which ends it too.
            start_new_session=True,
            env={'TF_CPP_MIN_LOG_LEVEL': '3', **os.environ},
        )
    except OSError as error:
      self._error = error
      self._end()
      return
    finally:
      self._started.set()
    process.wait()
    self._end()

  def _end(self) -> None:
    self._reservation.close()
    self._ended.set()

  @property
  def is_running(self) -> bool:
    """Whether the worker has not ended."""
    return not self._ended.is_set()

  def wait(self, timeout: Optional[float] = None) -> bool:
    """Waits up to `timeout` seconds; returns whether the worker has ended."""
    return self._ended.wait(timeout)

  def describe_end(self) -> str:
    """Returns one sentence on how the worker ended and where its log is."""
    log = self._log_path or 'not kept: give `log_path` (--log) to keep it'
    status = None if self._process is None else self._process.returncode
    return (
        f"TFF's worker on port {self.port} ended with exit status"
        f' {status} (log: {log}).'
    )

  def stop(self) -> None:
    """Kills the worker and waits for its end."""
    atexit.unregister(self.stop)
    if self.is_running and self._process is not None:
      self._process.kill()
      self._ended.wait()


def reserve_port(port: int) -> socket.socket:
  """Takes a port that no other program has, for TFF's worker to serve.

  Workers would share a port without a word: gRPC allows that, and spreads
  connections over them. What is returned answers nobody. While it is open, no
  other reservation of the port succeeds, but a server of this user that shares
  its port can be started on it.

  Args:
    port: The port; 0 takes one that is free.

  Returns:
    A socket to be closed when the server has ended.

  Raises:
    WorkerError: If another program has the port, or this user may not.
  """
  has_ipv6 = socket.has_dualstack_ipv6()
  reservation = socket.socket(socket.AF_INET6 if has_ipv6 else socket.AF_INET)
  try:
    if has_ipv6:
      reservation.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    # Connections of a server that has just ended do not hold the port.
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.bind(('', port))
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
  except OSError as error:
    reservation.close()
    raise worker_channel.WorkerError(
        f'`port` must be free, found {port} taken or forbidden'
        f' ({error.strerror}): choose one from 1024 to 32767 that `ss -ltn`'
        ' does not list.'
    ) from error
  return reservation


def wait_until_alive(
    process: WorkerProcess, channel: grpc.Channel, timeout: float
) -> None:
  """Waits until a worker that has just started answers.

  Args:
    process: The worker.
    channel: A connection to it.
    timeout: Seconds to wait.

  Raises:
    WorkerError: If the worker ends first.
    TimeoutError: If the time is over; the worker is stopped.
  """
  deadline = time.monotonic() + timeout
  while not worker_channel.is_alive(channel, timeout):
    if process.wait(0.02):
      raise worker_channel.WorkerError(process.describe_end())
    if time.monotonic() > deadline:
      process.stop()
      raise TimeoutError(
          f"TFF's worker on port {process.port} was not ready within"
          f' {timeout:g} s.'
      )
