"""A server that is killed at any moment loses no vote and counts none twice."""

import random
import threading
import time

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np

from tests.on_device import counting_federation
from tests.on_device import stepping_client
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import session as session_lib


class KillTest(parameterized.TestCase):

  def _start(self, **settings):
    server = counting_federation.Process(
        self.create_tempdir().full_path, **settings
    )
    self.addCleanup(server.kill)
    return server

  def _check(self, server, num_rounds):
    server.kill()
    learner = server.read_learner()
    self.assertEqual(learner.num_voters, [3] * num_rounds)
    np.testing.assert_array_equal(
        learner.totals,
        stepping_client.expected_totals(range(1, num_rounds + 1), range(3)),
    )

  @parameterized.parameters(False, True)
  def test_killed_after_every_request_that_changes_anything(self, secure):
    server = self._start(num_rounds=2, secure_aggregation=secure)

    def restart():
      server.kill()
      server.start()

    clients = []
    for i in range(3):
      clients.append(stepping_client.SteppingClient(server.url, i))
      restart()
      self.assertEqual(clients[i].raw.enrol(token='').status, 200)
    for client in clients:
      client.take()
    for step in clients[0].raw.description.steps:
      for client in clients:
        body = client.make(step)
        self.assertEqual(client.put(step, body).status, 204)
        restart()
        # As a client does that was not told; after the last one the round is
        # over, which it is told instead.
        is_over = (client, step) == (
            clients[-1], clients[0].raw.description.steps[-1]
        )
        self.assertEqual(
            client.put(step, body).status, 409 if is_over else 204
        )
    self._check(server, 1)

  @parameterized.parameters(False, True)
  def test_killed_at_random_moments(self, secure):
    num_rounds = 30
    server = self._start(num_rounds=num_rounds, secure_aggregation=secure)

    def take_part():
      session = session_lib.Session(
          connection_lib.Connection(server.url, give_up_seconds=60),
          self.create_tempdir().full_path,
          counting_federation.TOKEN,
      )
      session.take_part(
          lambda message, number: counting_federation.pack(
              counting_federation.draw_votes(session.client, number)
          )
      )

    threads = [threading.Thread(target=take_part) for _ in range(3)]
    for thread in threads:
      thread.start()
    rng = random.Random(0)
    for _ in range(4):
      time.sleep(rng.uniform(0.05, 0.4))
      server.kill()
      server.start()
    for thread in threads:
      thread.join(60)
      self.assertFalse(thread.is_alive())
    self._check(server, num_rounds)


if __name__ == '__main__':
  absltest.main()
