"""Clients of a try-out: processes on this machine, without TensorFlow."""

import contextlib
import json
import os
import subprocess
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence

import numpy as np

from tff_hidenseek.runtimes import parent_bound


class ClientProcess:
  """A client's process.

  Attributes:
    index: Which of the clients it is; the number with which it enrols is
      another.
  """

  def __init__(self, index: int, command: Sequence[str], report_path: str):
    """Starts the process.

    Args:
      index: Which of the clients it is.
      command: The program and its flags.
      report_path: Where it writes its report.
    """
    self.index = index
    self._report_path = report_path
    self._process = subprocess.Popen(
        parent_bound.bind(command), stdin=subprocess.DEVNULL
    )

  @property
  def exit_status(self) -> Optional[int]:
    """With what the process has ended; `None` while it runs."""
    return self._process.poll()

  def read_report(self, seconds: float) -> Optional[Dict[str, Any]]:
    """Returns what the process reports, if it ended well.

    Args:
      seconds: How long it has to end; then it is killed.
    """
    try:
      self._process.wait(seconds)
    except subprocess.TimeoutExpired:
      self.kill()
    if self._process.returncode:
      return None
    with open(self._report_path, encoding='utf-8') as report:
      return json.load(report)

  def kill(self) -> None:
    """Ends the process at once."""
    self._process.kill()
    self._process.wait()


@contextlib.contextmanager
def start(
    command: Sequence[str],
    client_data: Sequence[Mapping[str, Any]],
    folder: str,
    seed: int,
) -> Iterator[List[ClientProcess]]:
  """Starts a process for each client; none outlives the block.

  Args:
    command: `binaries.device_client` with the flags that all have alike.
    client_data: Each client's examples: images `x` and labels `y`, tensors.
    folder: Where the examples, the clients' folders and the reports are.
    seed: Of the first client; the others' follow.

  Yields:
    The processes.
  """
  with contextlib.ExitStack() as stack:
    processes = []
    for index, data in enumerate(client_data):
      place = os.path.join(folder, f'client_{index}')
      np.savez(f'{place}.npz', x=data['x'].numpy(), y=data['y'].numpy())
      flags = [
          f'--client_dir={place}',
          f'--examples={place}.npz',
          f'--report={place}.json',
          f'--seed={seed + index}',
      ]
      processes.append(
          ClientProcess(index, [*command, *flags], f'{place}.json')
      )
      stack.callback(processes[-1].kill)
    yield processes


def check_enough(processes: Sequence[ClientProcess], quorum: int) -> None:
  """Raises `OSError` if fewer clients are left than a round needs."""
  ended = [p for p in processes if p.exit_status is not None]
  if len(processes) - len(ended) < quorum:
    raise OSError(
        f'{len(ended)} of {len(processes)} clients have ended, and a round '
        f'needs {quorum}: client {ended[0].index} with exit status '
        f'{ended[0].exit_status}.'
    )
