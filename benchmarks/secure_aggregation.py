"""What masked votes cost a client, step by step, on a real server on loopback.

Clients take their steps one after the other, so that none waits for another. A
client's own work is in processor time. A request's time is until the server has
answered, with the step on its disk; the last one of a round waits for the sum.

python -m benchmarks.secure_aggregation --clients=4,10,30
"""

import asyncio
import collections
import contextlib
import os
import statistics
import tempfile
import threading
import time
from typing import Callable, Dict, Iterator, List, Tuple

from absl import flags
import numpy as np
import tabulate

from tff_hidenseek.commands import command_line
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import federation as federation_lib
from tff_hidenseek.on_device import listening
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import rounds as rounds_lib
from tff_hidenseek.on_device import session as session_lib
from tff_hidenseek.on_device.secure_aggregation import participant

_CLIENTS = flags.DEFINE_list(
    'clients', ['4', '10', '30'], 'Numbers of clients.'
)
_NUM_VOTES = flags.DEFINE_integer(
    'num_votes', 5277, 'Votes of a client: those of the digits\' net.', 1
)
_ROUNDS = flags.DEFINE_integer('rounds', 5, 'Timed rounds.', lower_bound=1)
_TOKEN = 'benchmark'
_WARM_UP = 1


class _Forgetful:
  """Learns nothing."""

  def message(self):
    return bytes(1)

  def learn(self, num_ones, num_clients):
    pass

  def to_bytes(self):
    return b''

  def restore(self, content):
    pass


@contextlib.contextmanager
def _serve(folder: str, num_clients: int, num_votes: int) -> Iterator[str]:
  """Serves rounds from a thread; yields the address."""
  settings = federation_lib.Settings(
      rounds_lib.RoundRules(
          num_clients, 2 * num_clients // 3 + 1, 10**6, 600.0
      ),
      _TOKEN,
      secure_aggregation=True,
      limits=listening.Limits(requests_per_second=10**6),
  )
  ready = threading.Event()
  found = {}

  async def main():
    federation = federation_lib.Federation(
        folder, _Forgetful(), num_votes, b'model', settings
    )
    found['stop'] = asyncio.Event()
    found['loop'] = asyncio.get_running_loop()
    async with federation.serve('127.0.0.1', 0) as port:
      found['url'] = f'http://127.0.0.1:{port}'
      ready.set()
      await found['stop'].wait()
    federation.close()

  thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
  thread.start()
  ready.wait()
  try:
    yield found['url']
  finally:
    found['loop'].call_soon_threadsafe(found['stop'].set)
    thread.join()


def _steps(
    mine: participant.Participant, votes: bytes
) -> Dict[str, Tuple[str, Callable[[bytes], bytes]]]:
  """Returns, by step, which step's reply it needs and how it is made."""
  return {
      protocol.KEYS: ('', lambda _: mine.keys()),
      protocol.SHARES: (protocol.KEYS, mine.share),
      protocol.MASKED_VOTE: (
          protocol.SHARES,
          lambda reply: mine.mask(reply, votes),
      ),
      protocol.UNMASKING: (protocol.MASKED_VOTE, mine.unmask),
  }


def measure(
    num_clients: int, num_votes: int, num_rounds: int
) -> List[Dict[str, float]]:
  """Measures rounds without drop-outs.

  Args:
    num_clients: How many clients take part.
    num_votes: Votes of each, K.
    num_rounds: How many rounds are timed, after one that is not.

  Returns:
    For each step, the medians over clients and rounds: bytes of bodies up and
    down, milliseconds of the client's own processor time, and of requests.
  """
  votes = np.random.default_rng(0).bytes(protocol.num_vote_bytes(num_votes))
  found = collections.defaultdict(lambda: collections.defaultdict(list))
  with tempfile.TemporaryDirectory() as folder, _serve(
      folder, num_clients, num_votes
  ) as url:
    sessions = [
        session_lib.Session(
            connection_lib.Connection(url), os.path.join(folder, str(i)), _TOKEN
        )
        for i in range(num_clients)
    ]
    rounds = [session.rounds() for session in sessions]
    for index in range(_WARM_UP + num_rounds):
      numbers = [next(round_)[0] for round_ in rounds]
      clients = [
          _steps(session.make_participant(number), votes)
          for session, number in zip(sessions, numbers)
      ]
      for step in protocol.SECURE_STEPS:
        for session, number, steps in zip(sessions, numbers, clients):
          needed, make = steps[step]
          start = time.perf_counter()
          reply = session.get(number, needed) if needed else b''
          asked, start_of_work = time.perf_counter(), time.thread_time()
          body = make(reply)
          made, end_of_work = time.perf_counter(), time.thread_time()
          session.put(number, step, body)
          end = time.perf_counter()
          if index >= _WARM_UP:
            row = found[step]
            row['bytes up'].append(len(body))
            row['bytes down'].append(len(reply))
            row['ms of work'].append(1e3 * (end_of_work - start_of_work))
            row['ms of requests'].append(1e3 * (asked - start + end - made))
  rows = [
      dict(clients=num_clients, step=step)
      | {name: statistics.median_low(values) for name, values in row.items()}
      for step, row in found.items()
  ]
  # The last client's last request ends the round: it holds the server's sum.
  last = found[protocol.UNMASKING]['ms of requests'][
      num_clients - 1 :: num_clients
  ]
  rows.append(
      dict(clients=num_clients, step='all')
      | {
          name: sum(row[name] for row in rows)
          for name in list(rows[0])[2:]
      }
      | {'ms of the sum': statistics.median(last)}
  )
  return rows


def main(argv):
  with command_line.user_errors():
    command_line.check_arguments(argv)
    rows = [
        row
        for num_clients in _CLIENTS.value
        for row in measure(int(num_clients), _NUM_VOTES.value, _ROUNDS.value)
    ]
  print(
      tabulate.tabulate(
          rows, headers='keys', tablefmt='github', floatfmt='.1f', intfmt=','
      )
  )


if __name__ == '__main__':
  command_line.run(main)
