"""Starts a TFF worker on this host, for `--runtime=cluster` on another.

  python -m binaries.worker --port=8000
"""

import sys

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import stopping
from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_process

_START_SECONDS = 60.0

_PORT = flags.DEFINE_integer(
    'port', None, 'The port to serve.', lower_bound=1, upper_bound=65535
)
_LOG = flags.DEFINE_string(
    'log', None, "A file for the worker's own output; discarded if not given."
)


def main(argv):
  with command_line.user_errors():
    command_line.check_arguments(argv)
    process = worker_process.WorkerProcess(_PORT.value, _LOG.value)
    with worker_channel.open_channel(f'localhost:{_PORT.value}') as channel:
      worker_process.wait_until_alive(process, channel, _START_SECONDS)
  print(
      f'A worker serves port {_PORT.value} until this program ends.\n'
      'WARNING: it listens on ALL network interfaces, without a password, and'
      ' runs any graph it is sent. Let nobody but the training program reach'
      ' this port: use a private network, or a firewall and an SSH tunnel.',
      flush=True,
  )
  process.wait()
  stopping.wait_if_stopping()
  sys.exit(f'error: {process.describe_end()}')


def run():
  flags.mark_flag_as_required('port')
  command_line.run(main, when_stopped='Stopped; the worker has ended.')


if __name__ == '__main__':
  run()
