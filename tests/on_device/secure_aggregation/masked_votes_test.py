"""Tests of sums of masked votes, whoever drops out or lies."""

from absl.testing import absltest
from absl.testing import parameterized
import numpy as np

from tests.on_device.secure_aggregation import masked_rounds
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import vote_collection
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import shamir

_K = 37


class MaskedVotesTest(parameterized.TestCase):

  @parameterized.parameters(
      ({},),
      ({0: protocol.KEYS},),
      ({1: protocol.SHARES},),
      ({4: protocol.MASKED_VOTE},),
      ({2: protocol.UNMASKING},),
      ({0: protocol.KEYS, 3: protocol.UNMASKING},),
      ({0: protocol.MASKED_VOTE, 4: protocol.MASKED_VOTE},),
      ({0: protocol.MASKED_VOTE, 4: protocol.UNMASKING},),
  )
  def test_sum_is_of_those_whose_masked_votes_arrived(self, dropped_at):
    votes = masked_rounds.draw_votes(5, _K)
    num_ones, num_clients = (
        masked_rounds.make_round(votes, 3).run(dropped_at).count()
    )
    silent = [c for c, s in dropped_at.items() if s != protocol.UNMASKING]
    expected = np.delete(votes, silent, axis=0)
    self.assertEqual(num_clients, len(expected))
    np.testing.assert_array_equal(num_ones, expected.sum(axis=0))

  @parameterized.parameters(2, 3, 4, 7, 8, 16)
  def test_sum_of_any_number_of_clients_does_not_wrap(self, num_clients):
    votes = np.ones((num_clients, _K), np.uint8)
    num_ones, _ = (
        masked_rounds.make_round(votes, num_clients // 2 + 1).run().count()
    )
    np.testing.assert_array_equal(num_ones, [num_clients] * _K)

  def test_bytes_of_each_step(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(4, 5277), 3)
    masked.run()
    self.assertEqual(
        {step: len(given[0]) for step, given in masked.answers.items()},
        # Three bits a vote: ceil(log2(4 + 1)).
        dict(keys=64, shares=32 + 3 * 80, masked_vote=1979, unmasking=4 * 32),
    )

  def test_false_share_of_a_seed_ends_the_round(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(3, _K), 2).run()
    told = bytearray(masked.answers[protocol.UNMASKING][0])
    told[32] ^= 1  # The lowest bit of its share of client 1's secret.
    masked.answers[protocol.UNMASKING][0] = bytes(told)
    with self.assertRaisesRegex(
        vote_collection.RoundFailed, 'shares of client 1 do not give its secret'
    ):
      masked.count()

  def test_false_share_of_a_key_ends_the_round(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(4, _K), 3)
    masked.run({3: protocol.MASKED_VOTE})
    told = bytearray(masked.answers[protocol.UNMASKING][0])
    # Not of the three lowest bits, which X25519 passes over in a private key.
    told[100] ^= 1
    masked.answers[protocol.UNMASKING][0] = bytes(told)
    with self.assertRaisesRegex(
        vote_collection.RoundFailed, 'shares of client 3 do not give its secret'
    ):
      masked.count()

  def test_what_is_no_vote_is_seen_where_it_leaves_the_range(self):
    masked = masked_rounds.make_round(np.ones((4, _K), np.uint8), 3).run()
    body = bytearray(masked.answers[protocol.MASKED_VOTE][2])
    body[0] = (body[0] & ~7) | ((body[0] + 3) & 7)  # Votes 4 for the first.
    masked.answers[protocol.MASKED_VOTE][2] = bytes(body)
    with self.assertRaisesRegex(
        vote_collection.RoundFailed, 'masked something else than votes'
    ):
      masked.count()

  @parameterized.parameters(*protocol.SECURE_STEPS)
  def test_body_of_another_length_is_refused(self, step):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(3, _K), 2).run()
    body = masked.answers[step][0]
    with self.assertRaisesRegex(
        protocol.Refusal, f'has {len(body)} bytes, found {len(body) - 1}'
    ):
      masked.server.check(step, 0, body[:-1], masked.answers)

  def test_share_that_is_no_element_is_refused(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(3, _K), 2).run()
    body = b'\xff' * 3 * shamir.ELEMENT_BYTES
    with self.assertRaisesRegex(protocol.Refusal, 'element of the field'):
      masked.server.check(protocol.UNMASKING, 0, body, masked.answers)

  def test_every_client_gets_what_was_encrypted_for_it(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(3, _K), 2)
    masked.run(until=protocol.SHARES)
    records = protocol.split_records(
        masked.reply(protocol.SHARES, 1), layout.ENCRYPTED_BYTES
    )
    self.assertEqual(
        records,
        {
            # After the commitment: client 0's for 1 is its first, client 2's
            # for 1 its second.
            0: masked.answers[protocol.SHARES][0][32:112],
            2: masked.answers[protocol.SHARES][2][112:192],
        },
    )


if __name__ == '__main__':
  absltest.main()
