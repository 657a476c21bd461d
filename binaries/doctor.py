"""Says what works on this machine: a line for each check, and an exit code.

python -m binaries.doctor
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
from typing import List, Sequence, Tuple

from binaries import preflight

try:
  from absl import flags
  import attrs

  from tff_hidenseek.commands import command_line
except ImportError as error:
  _facts = preflight.read_facts()
  sys.exit(' '.join(
      preflight.find_machine_faults(_facts) +
      preflight.find_python_faults(_facts)
      or [f'{error} in {sys.executable}: run `make doctor`.']
  ))

_TIMEOUT = flags.DEFINE_float(
    'timeout', 120.0, 'Seconds that each check may take.', lower_bound=1.0
)

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MIN_MEMORY_GIB = 2.0
_REINSTALL = 'run `make clean` and `make doctor`'


@attrs.frozen
class Finding:
  """What one check found.

  Attributes:
    name: What was checked.
    status: 'OK', 'FAIL', or 'INFO' for what is good to know but not needed.
    detail: What was found and, after a failure, what to do.
  """

  name: str
  status: str
  detail: str


def run_quietly(
    command: Sequence[str], timeout: float
) -> Tuple[bool, List[str]]:
  """Runs a program, and ends it with every process that it started.

  Args:
    command: The program and its arguments, run in the project's folder.
    timeout: Seconds, positive, that it may take.

  Returns:
    Whether it ended by itself with exit code 0, and the lines it wrote. After a
    time-out the last line says so.
  """
  # A file, since a pipe would stay open in whatever the program leaves behind.
  with tempfile.TemporaryFile('w+', errors='replace') as output:
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    late = []
    try:
      process.wait(timeout)
    except subprocess.TimeoutExpired:
      late = [f'no answer within {timeout:g} s (see --timeout)']
    finally:
      _kill_group(process)
    output.seek(0)
    lines = [line.strip() for line in output if line.strip()]
    if process.returncode < 0 and not late:
      late = [f'ended by {signal.Signals(-process.returncode).name}']
    return process.returncode == 0, lines + late


def check_machine(facts: preflight.Facts) -> Finding:
  """Checks system, processor and C library."""
  glibc = '.'.join(map(str, facts.glibc or ['unknown']))
  return _judge(
      'machine',
      preflight.find_machine_faults(facts),
      f'{facts.system} {facts.machine}, glibc {glibc}',
  )


def check_python(facts: preflight.Facts) -> Finding:
  """Checks the interpreter."""
  return _judge(
      'Python',
      preflight.find_python_faults(facts),
      '.'.join(map(str, facts.python)),
  )


def check_package(name: str, module: str, pinned: str, run) -> Finding:
  """Checks that a package can be imported and has its pinned version.

  Args:
    name: What to call it.
    module: What to import.
    pinned: The version that `requirements.txt` has.
    run: Runs a program as `run_quietly` does.

  Returns:
    The finding.
  """
  ok, lines = run(
      [
          sys.executable,
          '-c',
          f'import tff_hidenseek, {module}; print({module}.__version__)',
      ]
  )
  found = lines[-1] if lines else 'nothing'
  if not ok:
    return Finding(name, 'FAIL', f'{found}: {_REINSTALL}')
  if found != pinned:
    return Finding(
        name, 'FAIL', f'must be {pinned}, found {found}: {_REINSTALL}'
    )
  return Finding(name, 'OK', found)


def check_hello(runtime: str, run) -> Finding:
  """Checks that a federated computation gives its result on a runtime."""
  name = f'federated hello, {runtime}'
  ok, lines = run(
      [sys.executable, '-m', 'binaries.federated_hello', f'--runtime={runtime}']
  )
  found = lines[-1] if lines else 'nothing'
  if ok and found == '12':
    return Finding(name, 'OK', '2 * (1 + 2 + 3) = 12')
  # The packages have checks of their own: to install them anew would not help.
  return Finding(
      name,
      'FAIL',
      f'must give 12, found {found}: if TensorFlow Federated is OK above, look '
      'for a firewall on localhost or too little memory; `python -m '
      f'binaries.federated_hello --runtime={runtime}` says more',
  )


def check_gpu(run, has_driver: bool) -> Finding:
  """Tells how many GPUs TensorFlow sees; none are needed."""
  ok, lines = run([
      sys.executable,
      '-c',
      'import tensorflow.config as config; '
      'print(len(config.list_physical_devices("GPU")))',
  ])
  count = lines[-1] if ok and lines else '0'
  if count == '0' and has_driver:
    return Finding(
        'GPU',
        'INFO',
        'TensorFlow does not see the NVIDIA GPU of this machine: README.md '
        'says how to install its libraries, requirements_gpu.txt',
    )
  return Finding('GPU', 'INFO', f'TensorFlow sees {count}')


def check_memory(meminfo: str) -> Finding:
  """Checks the memory that programs may still take.

  Args:
    meminfo: The text of /proc/meminfo.

  Returns:
    The finding.
  """
  kib = int(re.search(r'^MemAvailable:\s+(\d+) kB', meminfo, re.M).group(1))
  gib = kib / 2**20
  if gib < _MIN_MEMORY_GIB:
    return Finding(
        'free memory',
        'FAIL',
        f'must be {_MIN_MEMORY_GIB} GiB, found {gib:.1f}: end other programs',
    )
  return Finding('free memory', 'OK', f'{gib:.1f} GiB')


def read_pin(package: str) -> str:
  """Returns the version of a package that `requirements.txt` has."""
  with open(os.path.join(_ROOT, 'requirements.txt'), encoding='utf-8') as file:
    return re.search(rf'^{package}==([^ ]+)', file.read(), re.M).group(1)


def run_checks(timeout: float):
  """Yields a `Finding` for each check, as soon as it is known."""

  def run(command):
    return run_quietly(command, timeout)

  facts = preflight.read_facts()
  yield check_python(facts)
  yield check_machine(facts)
  with open('/proc/meminfo', encoding='ascii') as file:
    yield check_memory(file.read())
  for name, module, package in (
      ('TensorFlow', 'tensorflow', 'tensorflow-cpu'),
      ('Keras 2', 'tf_keras', 'tf-keras'),
      ('LiteRT', 'ai_edge_litert', 'ai-edge-litert'),
  ):
    yield check_package(name, module, read_pin(package), run)
  yield check_package(
      'TensorFlow Federated',
      'tensorflow_federated',
      read_pin('tensorflow-federated'),
      run,
  )
  for runtime in ('in_process', 'worker'):
    yield check_hello(runtime, run)
  yield check_gpu(run, os.path.exists('/proc/driver/nvidia/version'))


def main(argv):
  with command_line.user_errors():
    command_line.check_arguments(argv)
  failed = False
  for finding in run_checks(_TIMEOUT.value):
    print(
        f'{finding.status:4}  {finding.name:28}  {finding.detail}', flush=True
    )
    failed = failed or finding.status == 'FAIL'
  return 1 if failed else 0


def _judge(name, faults, detail):
  if faults:
    return Finding(name, 'FAIL', ' '.join(faults))
  return Finding(name, 'OK', detail)


def _kill_group(process):
  try:
    os.killpg(process.pid, signal.SIGKILL)
  except ProcessLookupError:
    pass
  process.wait()


def run():
  command_line.run(main)


if __name__ == '__main__':
  run()
