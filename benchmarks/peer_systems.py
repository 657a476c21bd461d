"""Times W2 beside other simulators of federated learning, in alternation.

python -m benchmarks.peer_systems --rounds=10 \
    --peers=fedjax:FOLDER,pfl:FOLDER,flower:FOLDER \
    --output=docs/performance/peers.json

Each folder is a virtual environment in which the peer is installed, for none of
them can be installed beside TensorFlow Federated. A peer that is not there is
left out, and one that does not start too, in a sentence.
"""

import os
import statistics
import subprocess
from typing import Dict, List

from absl import flags

from benchmarks import system_processes
from tff_hidenseek.commands import command_line
from tff_hidenseek import files

_NAMES = ('fedjax', 'pfl', 'flower')
_PEERS = flags.DEFINE_list(
    'peers',
    [],
    'Peers and the folders of their environments, NAME:FOLDER,...; names are'
    f' {", ".join(_NAMES)} (pfl is pfl-research).',
)
_ALGORITHMS = flags.DEFINE_list(
    'algorithms', ['fed_avg', 'hidenseek'], 'What runs here; peers run FedAvg.'
)
_ROUNDS = flags.DEFINE_integer(
    'rounds', 10, 'Timed rounds of each.', lower_bound=1
)
_OUTPUT = flags.DEFINE_string('output', None, 'A JSON file for the rows.')

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_FOLDER = os.path.join(_ROOT, 'examples', 'peers')


class _Peer:
  """A peer's program, idle between the rounds it is asked for."""

  def __init__(self, name: str, environment: str):
    """Starts it and waits until its first round is over.

    Args:
      name: One of `_NAMES`.
      environment: The folder of its environment.

    Raises:
      EOFError: If it ends before.
    """
    self.seconds: List[float] = []
    self._process = subprocess.Popen(
        [
            os.path.abspath(os.path.join(environment, 'bin', 'python')),
            os.path.join(_FOLDER, f'{name}_rounds.py'),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
    )
    self._read()

  def _read(self) -> str:
    for line in self._process.stdout or ():
      if line.startswith('peer '):
        return line.split()[1]
    raise EOFError('The peer ended.')

  def _send(self, word: str) -> None:
    assert self._process.stdin is not None
    self._process.stdin.write(f'{word}\n')
    self._process.stdin.flush()

  def run_round(self) -> None:
    """Runs and measures one round."""
    self._send('round')
    self.seconds.append(float(self._read()))

  def stop(self) -> None:
    """Ends the process."""
    self._send('stop')
    self._process.wait()


def _read_environments() -> Dict[str, str]:
  """Returns the folders by the names of the peers; raises on another name."""
  environments = {}
  for pair in _PEERS.value:
    name, _, folder = pair.partition(':')
    if name not in _NAMES or not folder:
      raise ValueError(
          f'`peers` must be NAME:FOLDER with a name among {", ".join(_NAMES)}, '
          f'found {pair!r}.'
      )
    environments[name] = folder
  return environments


def _start_peers(environments: Dict[str, str]) -> Dict[str, _Peer]:
  """Returns the peers that are there, by name; says which are not."""
  peers = {}
  for name in _NAMES:
    if name not in environments:
      print(f'{name} is left out: no environment is given for it.')
      continue
    try:
      peers[name] = _Peer(name, environments[name])
    except (EOFError, OSError) as error:
      print(f'{name} is left out: it does not start ({error}).')
  return peers


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    environments = _read_environments()
  num_cores = len(os.sched_getaffinity(0))
  own = {
      algorithm: system_processes.System('W2', 'cohorts', algorithm, num_cores)
      for algorithm in _ALGORITHMS.value
  }
  peers = _start_peers(environments)
  for _ in range(_ROUNDS.value):
    for system in [*own.values(), *peers.values()]:
      system.run_round()
  seconds = {
      f'cohorts {name}': [m.seconds for m in system.measurements]
      for name, system in own.items()
  } | {name: peer.seconds for name, peer in peers.items()}
  for system in [*own.values(), *peers.values()]:
    system.stop()
  num_clients, _ = system_processes.WORKLOADS['W2']
  base = next(iter(seconds.values()))
  rows = [
      dict(
          system=name,
          ms_per_client=1000 * statistics.median(times) / num_clients,
          ratio_to_first=statistics.median(
              x / y for x, y in zip(times, base)
          ),
      )
      for name, times in seconds.items()
  ]
  if _OUTPUT.value:
    files.write_rows(_OUTPUT.value, rows)
  for row in rows:
    print(
        f'{row["system"]:<20}{row["ms_per_client"]:>8.2f} ms a client'
        f'{row["ratio_to_first"]:>8.2f} x {rows[0]["system"]}'
    )


if __name__ == '__main__':
  command_line.run(main)
