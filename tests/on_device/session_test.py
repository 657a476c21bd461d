"""Tests of the client's side of the protocol."""

import hashlib
import http.server
import os
import stat
import subprocess
import sys
import threading
import time
from unittest import mock

from absl.testing import absltest
from absl.testing import parameterized
import attrs
import numpy as np

from tests.on_device import counting_federation
from tests.on_device import stepping_client
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import session as session_lib


def _vote(client):
  return lambda message, number: counting_federation.pack(
      counting_federation.draw_votes(client, number)
  )


class SessionTest(parameterized.TestCase):

  def _session(self, url, folder=None, token=counting_federation.TOKEN):
    return session_lib.Session(
        connection_lib.Connection(url, give_up_seconds=30),
        folder or self.create_tempdir().full_path,
        token,
    )

  def _take_part(self, url, num_clients):
    """Lets clients take part in all rounds, each in a thread."""
    sessions = [self._session(url) for _ in range(num_clients)]
    threads = [
        threading.Thread(target=s.take_part, args=(_vote(s.client),))
        for s in sessions
    ]
    for thread in threads:
      thread.start()
    for thread in threads:
      thread.join(60)
      self.assertFalse(thread.is_alive())

  @parameterized.parameters(False, True)
  def test_all_votes_of_all_rounds_are_counted(self, secure_aggregation):
    with counting_federation.serve(
        self.create_tempdir().full_path,
        num_rounds=3,
        secure_aggregation=secure_aggregation,
    ) as served:
      self._take_part(served.url, 3)
    self.assertEqual(served.learner.num_voters, [3, 3, 3])
    np.testing.assert_array_equal(
        served.learner.totals,
        stepping_client.expected_totals([1, 2, 3], range(3)),
    )

  def test_client_that_comes_again_is_the_same(self):
    folder = self.create_tempdir().full_path
    with counting_federation.serve(
        self.create_tempdir().full_path, num_clients=2
    ) as served:
      first = self._session(served.url, folder)
      again = self._session(served.url, folder, token=None)
      other = self._session(served.url)
    self.assertEqual(
        (first.client, again.client, other.client), (0, 0, 1)
    )
    secret = os.path.join(folder, 'client.secret')
    self.assertEqual(stat.S_IMODE(os.stat(secret).st_mode), 0o600)

  def test_refused_enrolment_says_why(self):
    with counting_federation.serve(self.create_tempdir().full_path) as served:
      with self.assertRaisesRegex(
          ValueError, 'refused to enrol: The enrolment token is not the one'
      ):
        self._session(served.url, token='another')

  def test_model_is_fetched_once_and_is_the_one_that_is_described(self):
    folder = self.create_tempdir().full_path
    with counting_federation.serve(self.create_tempdir().full_path) as served:
      session = self._session(served.url, folder)
      self.assertEqual(session.fetch_model(), counting_federation.MODEL)
      before = session._connection.bytes_received
      self.assertEqual(session.fetch_model(), counting_federation.MODEL)
      self.assertEqual(session._connection.bytes_received, before)
      with open(os.path.join(folder, 'model_trainable.tflite'), 'wb') as file:
        file.write(b'damaged')
      self.assertEqual(session.fetch_model(), counting_federation.MODEL)
      session.description = attrs.evolve(
          session.description, model=hashlib.sha256(b'another').hexdigest()
      )
      with self.assertRaisesRegex(ValueError, 'describes, found another'):
        session.fetch_model()

  def test_vote_that_comes_too_late_is_told_and_the_next_round_goes_on(self):
    told = []
    with counting_federation.serve(
        self.create_tempdir().full_path,
        num_clients=1,
        num_rounds=1,
    ) as served:
      session = self._session(served.url)

      def train(message, number):
        if number == 1:
          served.pass_time()
        return _vote(0)(message, number)

      session.take_part(train, told.append)
    self.assertEqual(served.learner.num_voters, [1])
    self.assertLen(told, 1)
    self.assertRegex(told[0], '^Round 1 has ended: 0 of at least 1 clients')

  def test_proxies_of_the_environment_are_passed_by(self):
    proxy = 'http://127.0.0.1:9'
    with mock.patch.dict(os.environ, http_proxy=proxy, HTTP_PROXY=proxy):
      with counting_federation.serve(self.create_tempdir().full_path) as served:
        self.assertEqual(self._session(served.url).client, 0)

  def test_nothing_imports_tensorflow(self):
    program = (
        'import sys, binaries.device_client; '
        'import tff_hidenseek.on_device.federation; '
        'assert not {"tensorflow", "keras"} & set(sys.modules)'
    )
    subprocess.run([sys.executable, '-c', program], check=True)


class _Flaky(http.server.BaseHTTPRequestHandler):
  """Loses, or refuses for a while, the requests that a test says."""

  behaviours: list = []

  def do_GET(self):
    behaviour = self.behaviours.pop(0) if self.behaviours else 200
    if behaviour == 'lost':
      self.connection.close()
      return
    self.send_response(behaviour)
    self.send_header('Content-Length', '2')
    self.end_headers()
    self.wfile.write(b'ok')

  def log_message(self, *args):
    pass


class ConnectionTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), _Flaky)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    self.addCleanup(server.server_close)
    self.addCleanup(server.shutdown)
    self.url = f'http://127.0.0.1:{server.server_port}'

  def test_request_is_repeated_until_it_is_answered(self):
    _Flaky.behaviours = ['lost', 503, 429, 'lost', 500, 200]
    connection = connection_lib.Connection(self.url, give_up_seconds=30)
    with mock.patch.object(time, 'sleep') as sleep:
      answer = connection.request('GET', '/', {})
    self.assertEqual((answer.status, answer.body), (200, b'ok'))
    self.assertEmpty(_Flaky.behaviours)
    waits = [call.args[0] for call in sleep.call_args_list]
    for i, wait in enumerate(waits):  # 0.05, 0.1, 0.2, ... seconds at most.
      self.assertBetween(wait, 0.025 * 2**i, 0.05 * 2**i)

  def test_what_the_server_refuses_is_not_repeated(self):
    _Flaky.behaviours = [409, 200]
    connection = connection_lib.Connection(self.url)
    self.assertEqual(connection.request('GET', '/', {}).status, 409)
    self.assertEqual(_Flaky.behaviours, [200])

  def test_gives_up_in_a_sentence(self):
    _Flaky.behaviours = [503] * 100
    connection = connection_lib.Connection(self.url, give_up_seconds=0.2)
    with self.assertRaisesRegex(OSError, 'http://.* does not answer: ok'):
      connection.request('GET', '/', {})

  def test_address_that_is_none_is_refused(self):
    for url in ('127.0.0.1:80', 'ftp://x', 'http://', 'x'):
      with self.assertRaisesRegex(ValueError, '`server` must be http://'):
        connection_lib.Connection(url)

  def test_server_of_another_kind_or_version_is_refused(self):
    for content, sentence in (
        (b'ok', 'found an answer of another kind'),
        (b'[]', 'found an answer of another kind'),
        (b'{"version": 2, "new": 1}', 'must speak version 1 .* found 2'),
        (b'{"version": 1}', 'found an answer of another kind'),
    ):
      with self.assertRaisesRegex(ValueError, sentence):
        protocol.read_description(content)


if __name__ == '__main__':
  absltest.main()
