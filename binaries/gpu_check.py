"""Checks this project on a GPU: results, seconds and memory.

python -m binaries.gpu_check --output_dir=gpu_check

Each check runs by itself: one that fails is recorded, and the others go on.
After each the results so far are written to `gpu_check.json`. The exit code is
0 if all passed, 1 if one did not, and 2 without a GPU.
"""

import functools
import os
import sys

from absl import flags
import tensorflow as tf

from benchmarks.gpu import gpu_checks
from benchmarks.gpu import gpu_digits
from benchmarks.gpu import gpu_report
from benchmarks.gpu import gpu_rounds
from benchmarks.gpu import gpu_timing
from benchmarks import system_processes
from tff_hidenseek.commands import command_line

_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder for gpu_check.json.'
)
_TIME_LIMIT = flags.DEFINE_float(
    'time_limit', 900.0, 'Seconds after which no check starts.', lower_bound=0.0
)
_CHECKS = flags.DEFINE_list(
    'checks', None, 'Names of the checks to run; default: all.'
)

_DEVICE = 'GPU:0'
_DEVICES = ('CPU:0', _DEVICE)
# Of all ways to run a workload.
_MOST_SECONDS = 25.0


def _checks():
  """Returns the checks by name, those that matter most first."""
  partial = functools.partial
  clients = system_processes.make_clients(4, 50)
  checks = dict(hello=partial(gpu_checks.check_hello, _DEVICE))

  def add_rounds(kind, ways):
    for workload in system_processes.WORKLOADS:
      for algorithm in gpu_rounds.ALGORITHMS:
        checks[f'{kind}_{workload}_{algorithm}'] = partial(
            gpu_rounds.check_rounds,
            _DEVICE, workload, algorithm, ways[workload], _MOST_SECONDS,
        )

  add_rounds('rounds', gpu_rounds.WAYS)
  for algorithm, tolerance in [('fed_avg', 1e-4), ('hidenseek', 0.002)]:
    checks[f'at_once_{algorithm}'] = partial(
        gpu_rounds.check_at_once_parity,
        _DEVICE, 'cnn', algorithm, clients, tolerance,
    )
  checks.update(
      fed_avg_parity=partial(
          gpu_checks.check_fed_avg_parity, _DEVICES, 'cnn', clients, 1e-4
      ),
      hidenseek_parity=partial(
          gpu_checks.check_hidenseek_parity,
          _DEVICES, 'cnn', clients, 0.002, 0.05,
      ),
      digits=partial(
          gpu_digits.check_digits, _DEVICE, gpu_digits.DIGITS, 0.955
      ),
      memory=partial(
          gpu_timing.check_memory,
          _DEVICE, 'cnn', system_processes.make_clients(10, 50), 20, 1.0,
      ),
  )
  add_rounds('compiled', gpu_rounds.COMPILED_WAYS)
  checks['synflow_vgg16'] = partial(
      gpu_checks.check_synflow, _DEVICES, 'vgg16', 0.1, 50, 1e-5
  )
  return checks


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    if not tf.config.list_physical_devices('GPU'):
      raise ValueError(
          'TensorFlow finds no GPU on this machine; it needs an NVIDIA driver '
          'and the packages of requirements_gpu.txt.'
      )
    checks = _checks()
    for name in _CHECKS.value or ():
      if name not in checks:
        raise ValueError(
            f'`checks` must be among {", ".join(checks)}, found {name!r}.'
        )
    os.makedirs(_OUTPUT_DIR.value, exist_ok=True)
  report = gpu_report.Report(
      os.path.join(_OUTPUT_DIR.value, 'gpu_check.json'),
      gpu_report.describe_machine(_DEVICE),
      _TIME_LIMIT.value,
  )
  for name in _CHECKS.value or checks:
    report.run(name, checks[name])
  sys.exit(report.exit_code)


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
