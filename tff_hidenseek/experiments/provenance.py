"""What made a comparison: its commands, the code and the machine."""

import datetime
import json
import os
import platform
import shlex
import subprocess
from typing import Any, Dict, List, Sequence

import tensorflow as tf

_FILE = 'commands.jsonl'


def record(output_dir: str, arguments: Sequence[str], code_dir: str) -> None:
  """Adds a command to the list in a comparison's folder.

  Args:
    output_dir: The folder; it is made.
    arguments: The command's words.
    code_dir: The folder of the code.
  """
  os.makedirs(output_dir, exist_ok=True)
  with open(
      os.path.join(output_dir, _FILE), 'a', encoding='utf-8'
  ) as commands:
    commands.write(json.dumps(_describe(arguments, code_dir)) + '\n')


def read(output_dir: str) -> List[Dict[str, Any]]:
  """Returns the commands in a folder; one given again only the last time."""
  path = os.path.join(output_dir, _FILE)
  if not os.path.exists(path):
    return []
  with open(path, encoding='utf-8') as lines:
    records = [json.loads(line) for line in lines if line.endswith('\n')]
  by_kind = {}
  for each in records:
    kind = tuple(each[name] for name in ('command', 'commit', 'is_dirty'))
    by_kind[kind] = each
  return list(by_kind.values())


def _describe(arguments: Sequence[str], code_dir: str) -> Dict[str, Any]:
  commit = _git(code_dir, 'rev-parse', 'HEAD')
  return dict(
      command=shlex.join(arguments),
      date=datetime.datetime.now(datetime.timezone.utc).isoformat(
          timespec='seconds'
      ),
      commit=commit or None,
      is_dirty=bool(commit and _git(code_dir, 'status', '--porcelain')),
      processor=read_processor(),
      cores=os.cpu_count(),
      gpus=len(tf.config.list_physical_devices('GPU')),
      python=platform.python_version(),
      tensorflow=tf.__version__,
  )


def _git(folder: str, *arguments: str) -> str:
  """Returns what git says; '' where it or the repository is missing."""
  try:
    return subprocess.run(
        ['git', '-C', folder, *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
  except (OSError, subprocess.CalledProcessError):
    return ''


def read_processor() -> str:
  """Returns what this machine's processor is called."""
  try:
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
      for line in lines:
        if line.startswith('model name'):
          return line.partition(':')[2].strip()
  except OSError:
    pass
  return platform.processor() or platform.machine()
