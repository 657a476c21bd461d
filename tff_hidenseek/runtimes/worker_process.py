"""A TFF worker process that never outlives the program that started it.

TFF's wheel holds its runtime as a program that serves a gRPC port. Started by
TFF itself it is only ended by `__del__`, so it can stay behind and hold the
program's pipes open (`train | tee log` then never returns).
"""

import atexit
import importlib.util
import os
import subprocess
import threading
import time
from typing import Optional

import grpc

from tff_hidenseek.runtimes import parent_bound
from tff_hidenseek.runtimes import worker_channel

# Found without an import of TFF, which takes seconds.
_BINARY = os.path.join(
    importlib.util.find_spec(
        'tensorflow_federated'
    ).submodule_search_locations[0],
    'data',
    'worker_binary',
)


class WorkerProcess:
  """Runs TFF's worker on this machine until `stop` or this program's end.

  A thread of its own starts the worker and waits for it: the kernel's kill
  follows the thread that started a process, which must therefore live as long.

  Attributes:
    port: The port that the worker serves, on every interface of this machine.
    pid: The worker's process id.
  """

  def __init__(self, port: int, log_path: Optional[str] = None):
    """Starts the worker.

    Args:
      port: The port to serve.
      log_path: A file to append the worker's output to; None discards it.

    Raises:
      WorkerError: If the worker's program can not be started.
    """
    self.port = port
    self._log_path = log_path
    self._process = None
    self._error = None
    self._started = threading.Event()
    self._ended = threading.Event()
    threading.Thread(
        target=self._run, name=f'tff_worker_{port}', daemon=True
    ).start()
    self._started.wait()
    if self._error is not None:
      raise worker_channel.WorkerError(
          f"TFF's worker {_BINARY} can not be started: {self._error}."
      ) from self._error
    self.pid = self._process.pid
    atexit.register(self.stop)

  def _run(self):
    log_path = self._log_path if self._log_path is not None else os.devnull
    try:
      with open(log_path, 'ab') as log:
        self._process = subprocess.Popen(
            parent_bound.bind([_BINARY, f'--port={self.port}']),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={'TF_CPP_MIN_LOG_LEVEL': '3', **os.environ},
        )
    except OSError as error:
      self._error = error
      self._ended.set()
      return
    finally:
      self._started.set()
    self._process.wait()
    self._ended.set()

  @property
  def is_running(self) -> bool:
    return not self._ended.is_set()

  def wait(self, timeout: Optional[float] = None) -> bool:
    """Waits up to `timeout` seconds; returns whether the worker has ended."""
    return self._ended.wait(timeout)

  def describe_end(self) -> str:
    """Returns one sentence on how the worker ended and where its log is."""
    log = self._log_path or 'not kept: give a `log_path` to keep it'
    return (
        f"TFF's worker on port {self.port} ended with exit status"
        f' {self._process.returncode} (log: {log}).'
    )

  def stop(self):
    """Kills the worker and waits for its end."""
    atexit.unregister(self.stop)
    if self.is_running:
      self._process.kill()
      self._ended.wait()


def wait_until_alive(
    process: WorkerProcess, channel: grpc.Channel, timeout: float
):
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
