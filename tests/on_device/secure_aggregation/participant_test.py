"""Tests of what a client refuses to tell."""

from absl.testing import absltest
import numpy as np

from tests.on_device.secure_aggregation import masked_rounds
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import layout
from tff_hidenseek.on_device.secure_aggregation import participant

_K = 37


class ParticipantTest(absltest.TestCase):

  def _round(self, num_clients=4, threshold=3, until=protocol.MASKED_VOTE):
    votes = masked_rounds.draw_votes(num_clients, _K)
    masked = masked_rounds.make_round(votes, threshold)
    return masked.run(until=until)

  def _keys(self, num_clients=4):
    return self._round(num_clients, until=protocol.KEYS)

  def test_second_list_of_survivors_is_refused(self):
    masked = self._round()
    mine = masked.participants[0]
    first = protocol.join_clients([0, 1, 2])
    told = mine.unmask(first)
    # Sent again, since the answer may have been lost.
    self.assertEqual(mine.unmask(first), told)
    for other in ([0, 1, 2, 3], [0, 1, 3]):
      with self.assertRaisesRegex(ValueError, 'second list, which would tell'):
        mine.unmask(protocol.join_clients(other))

  def test_one_share_of_each_client_is_told(self):
    masked = self._round()
    mine = masked.participants[0]
    told = mine.unmask(protocol.join_clients([0, 1, 3]))
    for client, share in enumerate(protocol.split(told, 32)):
      held = mine._shares[client].to_bytes()
      seed, mask_key = held[:32], held[32:]
      self.assertEqual(share, mask_key if client == 2 else seed)

  def test_survivors_must_be_a_threshold_and_hold_the_own(self):
    mine = self._round().participants[0]
    with self.assertRaisesRegex(ValueError, 'of 3 clients at least, found 2'):
      mine.unmask(protocol.join_clients([0, 1]))
    with self.assertRaisesRegex(ValueError, 'must hold the own'):
      mine.unmask(protocol.join_clients([1, 2, 3]))
    with self.assertRaisesRegex(ValueError, 'among those who gave shares'):
      mine.unmask(protocol.join_clients([0, 1, 2, 9]))

  def test_nothing_is_unmasked_before_it_is_masked(self):
    mine = self._round(until=protocol.SHARES).participants[0]
    with self.assertRaisesRegex(ValueError, 'among those who gave shares'):
      mine.unmask(protocol.join_clients([0, 1, 2]))

  def test_threshold_of_half_the_clients_is_refused(self):
    masked = masked_rounds.make_round(masked_rounds.draw_votes(4, _K), 2)
    masked.run(until=protocol.KEYS)
    with self.assertRaisesRegex(ValueError, '3 of 4 clients at least, found 2'):
      masked.answer(protocol.SHARES, 0)

  def test_list_of_keys_with_false_own_ones_is_refused(self):
    masked = self._keys()
    keys = dict(masked.answers[protocol.KEYS])
    keys[0] = keys[0][:-1] + bytes([keys[0][-1] ^ 1])
    with self.assertRaisesRegex(ValueError, 'must hold the own, found others'):
      masked.participants[0].share(protocol.join_records(keys))

  def test_key_that_occurs_twice_is_refused(self):
    masked = self._keys()
    keys = dict(masked.answers[protocol.KEYS])
    keys[2] = keys[1]
    with self.assertRaisesRegex(ValueError, 'distinct, found one twice'):
      masked.participants[0].share(protocol.join_records(keys))

  def test_key_whose_outcome_everybody_knows_is_refused(self):
    masked = self._keys()
    keys = dict(masked.answers[protocol.KEYS])
    keys[2] = bytes(32) + keys[2][32:]
    with self.assertRaises(ValueError):
      masked.participants[0].share(protocol.join_records(keys))

  def test_second_list_of_keys_is_refused(self):
    masked = self._keys()
    masked.answer(protocol.SHARES, 0)
    with self.assertRaisesRegex(ValueError, 'found a second list'):
      masked.answer(protocol.SHARES, 0)

  def test_who_was_shown_other_keys_cannot_decrypt(self):
    masked = self._keys()
    shown = dict(masked.answers[protocol.KEYS])
    stranger = participant.Participant(
        layout.RoundId(masked_rounds.ROUND, masked_rounds.MODEL, _K, 3), 3
    )
    shown[3] = stranger.keys()
    given = {
        0: masked.participants[0].share(protocol.join_records(shown)),
        **{c: masked.answer(protocol.SHARES, c) for c in (1, 2, 3)},
    }
    masked.answers[protocol.SHARES] = given
    for client in range(4):
      with self.assertRaisesRegex(ValueError, 'cannot be decrypted'):
        masked.answer(protocol.MASKED_VOTE, client)

  def test_shares_that_were_changed_on_their_way_are_refused(self):
    masked = self._round(until=protocol.SHARES)
    reply = bytearray(masked.reply(protocol.SHARES, 0))
    reply[-1] ^= 1
    with self.assertRaisesRegex(ValueError, 'shares of client 3 cannot be'):
      masked.participants[0].mask(bytes(reply), bytes(5))

  def test_lists_that_cannot_be_are_refused(self):
    masked = self._keys()
    reply = masked.reply(protocol.KEYS, 0)
    record = len(reply) // 4
    with self.assertRaisesRegex(ValueError, 'must rise'):
      masked.participants[0].share(reply[record:] + reply[:record])
    with self.assertRaisesRegex(ValueError, 'pieces of 66 bytes'):
      masked.participants[0].share(reply[:-1])

  def test_masks_of_the_rounds_have_nothing_in_common(self):
    votes = np.zeros((3, 8000), np.uint8)
    bodies = []
    for _ in range(2):
      masked = masked_rounds.make_round(votes, 2)
      bodies.append(masked.run().answers[protocol.MASKED_VOTE][0])
    equal = np.mean(
        np.frombuffer(bodies[0], np.uint8) == np.frombuffer(bodies[1], np.uint8)
    )
    self.assertLess(equal, 0.03)  # 1/256 by chance, of 2,000 bytes.


if __name__ == '__main__':
  absltest.main()
