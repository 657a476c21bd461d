"""The record of a run of checks: a JSON file, and a table for a terminal."""

import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import time
import traceback
from typing import Any, Callable, Dict, List, Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from benchmarks.gpu import gpu_outcome
from tff_hidenseek.experiments import provenance
from tff_hidenseek import files

_LINE_WIDTH = 80


class Report:
  """Runs checks, and writes what is known after each.

  Attributes:
    machine: What is known of the machine and of the programs on it.
    checks: For each check its `name`, `status` ('passed', 'failed', 'running'
      or 'not run'), `seconds`, `summary`, `numbers` and `error`.
  """

  def __init__(
      self, path: str, machine: Dict[str, Any], time_limit: float = np.inf
  ):
    """Initializes the report.

    Args:
      path: The JSON file to write; its folder exists.
      machine: What to write of the machine.
      time_limit: Seconds from now after which no check starts.
    """
    self.machine = machine
    self.checks: List[Dict[str, Any]] = []
    self._path = path
    self._start = time.monotonic()
    self._time_limit = time_limit

  def run(self, name: str, check: Callable[[], gpu_outcome.Outcome]) -> None:
    """Runs one check, whatever becomes of it; prints its lines of the table."""
    row = dict(
        name=name, status='running', seconds=None, summary='', numbers={},
        error=None,
    )
    self.checks.append(row)
    start = time.monotonic()
    if start - self._start > self._time_limit:
      row.update(status='not run', summary='the time limit was reached')
    else:
      self._write()  # If the process dies, this tells in which check.
      try:
        outcome = check()
        row.update(
            status='passed' if outcome.passed else 'failed',
            summary=outcome.summary,
            numbers=outcome.numbers,
        )
      # The other checks go on.
      except Exception as error:  # pylint: disable=broad-except
        row.update(
            status='failed',
            summary=f'{type(error).__name__}: {error}'.splitlines()[0],
            error=traceback.format_exc(),
        )
      row['seconds'] = time.monotonic() - start
    self._write()
    print(format_row(row), flush=True)

  @property
  def exit_code(self) -> int:
    """0 if all checks passed, else 1."""
    return int(any(row['status'] != 'passed' for row in self.checks))

  def _write(self):
    content = dict(
        machine=self.machine,
        seconds=time.monotonic() - self._start,
        checks=self.checks,
    )
    files.write_atomically(self._path, json.dumps(content, indent=1).encode())


def format_row(row: Dict[str, Any]) -> str:
  """Returns a check's lines of the table, each of at most 80 columns."""
  seconds = '' if row['seconds'] is None else f'{row["seconds"]:.1f} s'
  lines = [f'{row["name"]:<24}{row["status"]:<8}{seconds:>10}']
  for part in row['summary'].split('; '):
    lines.append(f'    {part}'[:_LINE_WIDTH])
  return '\n'.join(lines)


def describe_machine(device: Optional[str]) -> Dict[str, Any]:
  """Returns what results on this machine depend on.

  Args:
    device: The name of a GPU; None if there is none.
  """
  build = tf.sysconfig.get_build_info()
  described = dict(
      date=datetime.datetime.now(datetime.timezone.utc).isoformat(
          timespec='seconds'
      ),
      python=platform.python_version(),
      tensorflow=tf.__version__,
      tensorflow_federated=tff.__version__,
      tf_keras=_find_version('tf-keras'),
      numpy=np.__version__,
      cuda=build.get('cuda_version'),
      cudnn=build.get('cudnn_version'),
      cpu=provenance.read_processor(),
      cores=len(os.sched_getaffinity(0)),
      # But in the parity checks, which turn it off.
      tensor_float_32=(
          tf.config.experimental.tensor_float_32_execution_enabled()
      ),
      gpu=None,
      driver=_read_driver(),
  )
  if device is not None:
    index = int(device.rpartition(':')[2])
    details = tf.config.experimental.get_device_details(
        tf.config.list_physical_devices('GPU')[index]
    )
    capability = details.get('compute_capability')
    described.update(
        gpu=details.get('device_name'),
        compute_capability=capability and '.'.join(map(str, capability)),
    )
  return described


def _find_version(distribution: str) -> Optional[str]:
  try:
    return importlib.metadata.version(distribution)
  except importlib.metadata.PackageNotFoundError:
    return None


def _read_driver() -> Optional[str]:
  """Returns the version of NVIDIA's driver; None if it is not known."""
  try:
    with open('/proc/driver/nvidia/version', encoding='utf-8') as file:
      found = re.search(r'\d+\.\d+(\.\d+)?', file.readline())
      return found and found.group()
  except OSError:
    pass
  try:
    found = subprocess.run(
        ['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
  except (OSError, subprocess.SubprocessError):
    return None
  return found.stdout.strip() or None
