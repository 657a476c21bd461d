"""Tests of what strangers do to the real device server, on loopback."""

import collections
import contextlib
import random
import socket
import time

from absl.testing import absltest
import numpy as np

from tests.on_device import counting_federation
from tests.on_device import server_test_case
from tests.on_device import stepping_client
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import protocol


class RefusalTest(server_test_case.ServerTestCase):

  def _assert_refused(self, answer, status, sentence):
    self.assertEqual(answer.status, status)
    self.assertEqual(answer.sentence.count('\n'), 0)
    self.assertRegex(answer.sentence, sentence)

  def test_vote_of_another_round_model_or_length_is_refused_in_a_line(self):
    (client, *_) = self.take_part(self.serve())
    vote = bytes(3)
    put = client.raw.put
    self._assert_refused(
        put('/rounds/2/vote', vote), 409, r'^The open round is 1, found round 2'
    )
    self._assert_refused(
        put('/rounds/1/vote', vote, **{protocol.MODEL_HEADER: 'ab'}),
        409,
        r'^The model is [0-9a-f]{64}, found ab in HideNseek-Model\.$',
    )
    for num_bytes in (0, 2, 4, 1000):
      self._assert_refused(
          put('/rounds/1/vote', bytes(num_bytes)),
          400,
          f'^A vote of this round has 3 bytes, found {num_bytes}',
      )
    self._assert_refused(
        put('/rounds/1/vote', bytes(1 << 21)), 413, '^The body is too long'
    )
    self._assert_refused(put('/rounds/x/vote', vote), 400, '^A round is a numb')
    self._assert_refused(put('/rounds/1/oops', vote), 404, 'vote, found oops')
    self._assert_refused(
        client.raw.get('/rounds/1/vote'), 404, '^Nothing is answered after vote'
    )

  def test_strangers_are_refused(self):
    served = self.serve(num_clients=1)
    connection = connection_lib.Connection(served.url)
    for headers in ({}, {'Authorization': 'Bearer eA'}, {'Authorization': 'x'}):
      for path in ('/v1/model', '/v1/rounds/next', '/v1/rounds/1/vote'):
        self._assert_refused(
            connection.request('GET', path, headers), 401, 'no client that has'
        )
    served.enrol(1)
    for token, sentence in (
        ('another', 'token is not the one'),
        (counting_federation.TOKEN, 'All 1 places are taken'),
    ):
      self._assert_refused(
          connection.request(
              'POST', '/v1/clients', {'Authorization': f'Bearer {token}'},
              bytes([9]) * 32,
          ),
          403,
          sentence,
      )

  def test_other_versions_and_paths_are_told_where_the_protocol_is(self):
    connection = connection_lib.Connection(self.serve().url)
    for method, path in (
        ('GET', '/'), ('GET', '/v2/federation'), ('PUT', '/v1/federation')
    ):
      answer = connection.request(method, path, {})
      self.assertIn(answer.status, (404, 405))
      self.assertRegex(answer.sentence, 'version 1 of the protocol is at /v1')

  def test_too_many_requests_are_told_to_wait(self):
    served = self.serve(requests_per_second=2)
    connection = connection_lib.Connection(served.url, give_up_seconds=0)
    answers = []
    with self.assertRaisesRegex(OSError, 'Too many requests: wait for 1 sec'):
      for _ in range(20):
        answers.append(connection.request('GET', '/v1/federation', {}))
    self.assertBetween(len(answers), 5, 7)
    # Who waits is answered.
    connection = connection_lib.Connection(served.url, give_up_seconds=20)
    self.assertEqual(
        connection.request('GET', '/v1/federation', {}).status, 200
    )


class HostileTest(server_test_case.ServerTestCase):

  def _send(self, served, data, seconds):
    """Sends bytes over a connection of their own; returns what comes back."""
    with socket.create_connection(('127.0.0.1', served.port), 10) as sock:
      with contextlib.suppress(OSError):  # The server may not hear it out.
        sock.sendall(data)
        sock.settimeout(seconds)
        return sock.recv(12)
    return b''

  def test_a_thousand_malformed_requests_do_not_disturb_a_round(self):
    served = self.serve(requests_per_second=10_000)
    clients = self.take_part(served)
    rng = random.Random(0)
    whole = (
        b'PUT /v1/rounds/1/vote HTTP/1.1\r\nHost: x\r\n'
        b'HideNseek-Model: ab\r\nContent-Length: 3\r\n\r\nabc'
    )
    kinds = (
        lambda: rng.randbytes(rng.randrange(1, 200)),
        lambda: whole[: rng.randrange(1, len(whole))],
        lambda: bytes(
            rng.randrange(256) if rng.random() < 0.1 else b for b in whole
        ),
        lambda: whole.replace(b'Length: 3', b'Length: -3'),
        lambda: whole.replace(b'Content-Length: 3', b'Transfer-Encoding: xyz'),
        lambda: whole.replace(b'Length: 3', b'Length: 99999999'),
        lambda: b'GET /' + b'a' * 9000 + b' HTTP/1.1\r\n\r\n',
        lambda: b'GET / HTTP/1.1\r\n' + b'a: b\r\n' * 500 + b'\r\n',
        lambda: whole.replace(b'/1/', b'/%d/' % rng.randrange(10**12)),
        lambda: whole.replace(b'Host: x', b'Authorization: Bearer \xff\xfe='),
    )
    # Nor do they fill the log.
    with self.assertNoLogs('tff_hidenseek', 'INFO'):
      answers = [self._send(served, kinds[i % 10](), 0.03) for i in range(1000)]
    # The others were no requests, and were not answered.
    counts = collections.Counter(a[9:10].decode() for a in answers)
    self.assertContainsSubset(counts, {'', '4'})
    self.assertGreater(counts['4'], 500)
    for client in clients:
      client.give(protocol.VOTE)
    np.testing.assert_array_equal(
        served.learner.totals, stepping_client.expected_totals([1], range(3))
    )

  def test_connections_that_say_nothing_are_closed(self):
    served = self.serve(idle_seconds=0.5)
    heads = (
        b'',
        b'GET /v1/fed',
        b'POST /v1/clients HTTP/1.1\r\nHost: x\r\nContent-Length: 32\r\n\r\nab',
    )
    with contextlib.ExitStack() as stack:
      sockets = [
          stack.enter_context(
              socket.create_connection(('127.0.0.1', served.port), 10)
          )
          for _ in range(60)
      ]
      start = time.monotonic()
      for i, sock in enumerate(sockets):
        sock.sendall(heads[i % 3])
      self.assertEqual(len(self.take_part(served)), 3)  # Others are served.
      for i, sock in enumerate(sockets):
        answer = sock.recv(1000)
        if i % 3 == 2:
          self.assertStartsWith(answer.decode(), 'HTTP/1.1 408 ')
          while sock.recv(1000):
            pass
        else:
          self.assertEqual(answer, b'')
      self.assertLess(time.monotonic() - start, 8)

  def test_slow_head_is_not_waited_for(self):
    served = self.serve(idle_seconds=0.5)
    with socket.create_connection(('127.0.0.1', served.port), 10) as sock:
      start = time.monotonic()
      with self.assertRaises(OSError):
        for letter in b'GET /v1/federation HTTP/1.1\r\nHost: xxxxxxxxxxxxxx':
          sock.sendall(bytes([letter]))
          time.sleep(0.1)
      self.assertLess(time.monotonic() - start, 4)

  def test_connections_above_the_limit_are_closed_at_once(self):
    served = self.serve(max_connections=5, idle_seconds=3)
    with contextlib.ExitStack() as stack:
      for _ in range(5):
        stack.enter_context(
            socket.create_connection(('127.0.0.1', served.port), 10)
        )
      time.sleep(0.2)
      start = time.monotonic()
      head = b'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
      self.assertEqual(self._send(served, head, 2), b'')
      self.assertLess(time.monotonic() - start, 1)
    # There is room again, as soon as the server has noticed.
    connection = connection_lib.Connection(served.url, give_up_seconds=10)
    self.assertEqual(connection.request('GET', '/', {}).status, 404)


if __name__ == '__main__':
  absltest.main()
