"""Tests of rounds on the real device server, on loopback."""

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np

from tests.on_device import counting_federation
from tests.on_device import server_test_case
from tests.on_device import stepping_client
from tff_hidenseek.on_device import protocol


class RoundTest(server_test_case.ServerTestCase):

  def test_round_ends_by_quorum_when_time_is_out(self):
    served = self.serve(quorum=2, num_rounds=1)
    clients = self.take_part(served)
    for client in clients[:2]:
      client.give(protocol.VOTE)
    served.pass_time()
    answer = clients[0].raw.get('/rounds/next?after=1')
    self.assertEqual(answer.status, 410)
    self.assertRegex(answer.sentence, '^The federation has ended after 1 round')
    self.assertEqual(served.learner.num_voters, [2])
    late = clients[2].make(protocol.VOTE)
    self.assertEqual(clients[2].put(protocol.VOTE, late).status, 410)

  def test_less_than_the_quorum_is_told_and_the_next_round_goes_on(self):
    served = self.serve(num_rounds=1)
    clients = self.take_part(served)
    for client in clients[:2]:
      client.give(protocol.VOTE)
    served.pass_time()
    for client in clients:
      client.take()
    self.assertEqual(clients[0].round_num, 2)
    self.assertLen(served.said, 1)
    self.assertRegex(served.said[0], '^round 1: nothing learned, 2 of at least')
    for client in clients:
      client.give(protocol.VOTE)
    np.testing.assert_array_equal(
        served.learner.totals, stepping_client.expected_totals([2], range(3))
    )

  def test_poll_without_news_is_answered(self):
    served = self.serve(poll_seconds=0.1)
    (client, *_) = self.take_part(served)
    self.assertEqual(client.raw.get('/rounds/next?after=1').status, 204)

  def test_folder_of_another_federation_is_refused(self):
    folder = self.create_tempdir().full_path
    with counting_federation.serve(folder, num_rounds=1):
      pass
    with counting_federation.serve(folder, num_rounds=5):
      pass  # More rounds may follow.
    with self.assertRaisesRegex(
        ValueError, '`quorum` must be 3 as the federation in .* began, found 2'
    ):
      counting_federation.make_federation(folder, quorum=2)

  def test_quorum_that_cannot_be_is_refused(self):
    for settings, rule in (
        (dict(quorum=4), r'`quorum` must be in \[1, 3\], found 4'),
        (
            dict(quorum=2, num_clients=4, secure_aggregation=True),
            r'`quorum` must be in \[3, 4\] with --secure_aggregation, found 2',
        ),
        (
            dict(num_clients=1, secure_aggregation=True),
            r'`quorum` must be in \[2, 1\] with --secure_aggregation, found 1',
        ),
        (dict(round_seconds=0), '`round_seconds` must be above 0, found 0'),
    ):
      with self.assertRaisesRegex(ValueError, rule):
        counting_federation.make_settings(**settings)


class SecureRoundTest(server_test_case.ServerTestCase):

  def _serve_masked(self, **settings):
    return self.serve(
        secure_aggregation=True, num_clients=4, quorum=3, **settings
    )

  @parameterized.parameters(*protocol.SECURE_STEPS)
  def test_client_drops_out(self, step):
    served = self._serve_masked(num_rounds=1)
    clients = self.take_part(served, 4)
    for current in protocol.SECURE_STEPS:
      if current == step:
        gone = clients.pop(1)
      for client in clients:
        client.give(current)
      if current == step:
        served.pass_time()
    self.assertEqual(clients[0].raw.get('/rounds/next?after=1').status, 410)
    counted = {0, 1, 2, 3}
    if step != protocol.UNMASKING:  # Its masked votes were there by then.
      counted.remove(gone.client)
    self.assertEqual(served.learner.num_voters, [len(counted)])
    np.testing.assert_array_equal(
        served.learner.totals, stepping_client.expected_totals([1], counted)
    )

  @parameterized.parameters(*protocol.SECURE_STEPS)
  def test_less_than_the_threshold_teaches_nothing(self, step):
    served = self._serve_masked(num_rounds=1)
    clients = self.take_part(served, 4)
    for current in protocol.SECURE_STEPS:
      if current == step:
        clients[0].give(step)
        served.pass_time()
        break
      for client in clients:
        client.give(current)
    self._finish_next_round(served, clients)
    self.assertRegex(
        served.said[0],
        f'^round 1: nothing learned, 1 of at least 3 clients gave their {step} '
        r'within 60 seconds\.$',
    )

  def _finish_next_round(self, served, clients):
    for client in clients:
      client.take()
      self.assertEqual(client.round_num, 2)
    self.assertEqual(served.learner.num_voters, [])
    self.assertFalse(served.learner.totals.any())
    for step in protocol.SECURE_STEPS:
      for client in clients:
        client.give(step)
    self.assertEqual(served.learner.num_voters, [4])
    np.testing.assert_array_equal(
        served.learner.totals, stepping_client.expected_totals([2], range(4))
    )

  def test_client_that_lies_about_its_share_ends_the_round(self):
    served = self._serve_masked(num_rounds=1)
    clients = self.take_part(served, 4)
    *before, last = protocol.SECURE_STEPS
    for step in before:
      for client in clients:
        client.give(step)
    false = bytearray(clients[0].make(last))
    false[2 * 32] ^= 1
    clients[0].put(last, bytes(false))
    for client in clients[1:]:
      client.give(last)
    self.assertLen(served.said, 1)
    self.assertEqual(
        served.said[0],
        'round 1: nothing learned, the shares of client 2 do not give its '
        'secret, so that a client told a false one.',
    )
    self._finish_next_round(served, clients)

  def test_restarted_client_has_no_second_part_in_a_round(self):
    served = self._serve_masked(num_rounds=1)
    clients = self.take_part(served, 4)
    clients[0].give(protocol.KEYS)
    again = stepping_client.SteppingClient(served.url, 0)
    again.take()
    answer = again.put(protocol.KEYS, again.make(protocol.KEYS))
    self.assertEqual(answer.status, 409)
    self.assertEqual(answer.sentence, 'Client 0 gave another keys in round 1.')


if __name__ == '__main__':
  absltest.main()
