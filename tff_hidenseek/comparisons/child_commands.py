"""Commands that run side by side, each in a process of its own."""

import collections
import os
import subprocess
import sys
import time
from typing import Callable, List, Mapping, Sequence

import attrs

from tff_hidenseek.runtimes import parent_bound

_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 10


@attrs.frozen
class Command:
  """One command.

  Attributes:
    name: What it is called.
    arguments: The program's path and its arguments.
    log_file: Where its output goes.
  """

  name: str
  arguments: Sequence[str]
  log_file: str


def run(
    commands: Sequence[Command],
    num_parallel: int,
    *,
    environment: Mapping[str, str],
    on_poll: Callable[[Sequence[str]], None],
    on_end: Callable[[str, int], None],
) -> None:
  """Runs commands, some at a time, until all have ended.

  They end with this program, however that ends; an exception, such as that of
  Ctrl-C, ends them too.

  Args:
    commands: The commands, started in their order.
    num_parallel: How many run at a time.
    environment: Variables beside those of this process.
    on_poll: Called now and then with the names of those that run.
    on_end: Called with a name and its exit status, which is negative for a
      signal.
  """
  waiting = collections.deque(commands)
  running = {}
  try:
    while waiting or running:
      while waiting and len(running) < num_parallel:
        command = waiting.popleft()
        running[command.name] = _start(command, environment)
      for name, process in list(running.items()):
        if process.poll() is not None:
          del running[name]
          on_end(name, process.returncode)
      on_poll(list(running))
      if running:
        time.sleep(_POLL_SECONDS)
  finally:
    _end(list(running.values()))


def _start(command: Command, environment) -> subprocess.Popen:
  os.makedirs(os.path.dirname(command.log_file), exist_ok=True)
  with open(command.log_file, 'wb') as log:
    return subprocess.Popen(
        parent_bound.bind(command.arguments),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **environment},
        # Ctrl-C is for this program, which ends them.
        start_new_session=True,
    )


def _end(processes: List[subprocess.Popen]) -> None:
  for process in processes:
    process.terminate()
  deadline = time.monotonic() + _PATIENCE_SECONDS
  for process in processes:
    try:
      process.wait(max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
      process.kill()
      process.wait()


def last_error(log_file: str) -> str:
  """Returns the line of a log that says why its command failed, or ''.

  Args:
    log_file: The log; it need not exist.
  """
  if not os.path.exists(log_file):
    return ''
  with open(log_file, encoding='utf-8', errors='replace') as log:
    lines = [line.strip() for line in log.read().splitlines() if line.strip()]
  errors = [line for line in lines if line.startswith('error:')]
  return (errors or lines or [''])[-1]


def python_command(module: str, *arguments: str) -> List[str]:
  """Returns the command that runs a module with this Python."""
  return [sys.executable, '-m', module, *arguments]
