import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import attacks

_VOTES = np.array([1, 1, 0, 1, 0, 0, 0, 1, 1, 0] * 100, bool)


def _forge_votes(attack, client_id=3, round_num=1, clients=(3, 5), seed=0):
  """Returns what a client sends for `_VOTES`, as bools."""
  send = attacks.build_vote_forger(
      attacks.Adversary(clients, attack),
      seed,
      lambda upload: sign_ops.unpack_bits(upload, _VOTES.size),
      sign_ops.pack_bits,
  )
  message = dict(round_num=tf.constant(round_num), content=())
  sent = send(sign_ops.pack_bits(_VOTES), message, tf.constant(client_id))
  return sign_ops.unpack_bits(sent, _VOTES.size).numpy()


def _forge_update(attack, scale=1.0, client_id=3, round_num=1):
  """Returns the update of a client that moved from (1, 2), (3) by (3, 4), 0."""
  received = [tf.constant([1.0, 2.0]), tf.constant([3.0])]
  upload = [tf.constant([4.0, 6.0]), tf.constant([3.0])]
  send = attacks.build_update_forger(
      attacks.Adversary((3, 5), attack, scale),
      0,
      lambda content, upload: [u - c for u, c in zip(upload, content)],
      lambda content, update: [c + u for c, u in zip(content, update)],
  )
  message = dict(round_num=tf.constant(round_num), content=received)
  sent = send(upload, message, tf.constant(client_id))
  return np.concatenate([s - r for s, r in zip(sent, received)])


class DrawAdversaryTest(parameterized.TestCase):

  def _draw(self, fraction, seed=0, clients=range(20)):
    options = attacks.AttackOptions(malicious_fraction=fraction)
    return set(attacks.draw_adversary(options, list(clients), seed).clients)

  @parameterized.parameters((0.0, 0), (0.05, 1), (0.1, 2), (0.4, 8), (1.0, 20))
  def test_as_many_are_malicious_as_the_fraction_says(self, fraction, count):
    self.assertLen(self._draw(fraction), count)

  def test_more_malicious_clients_are_the_same_and_others(self):
    self.assertContainsSubset(self._draw(0.1), self._draw(0.4))

  def test_the_seed_decides(self):
    self.assertEqual(self._draw(0.4), self._draw(0.4))
    self.assertNotEqual(self._draw(0.4), self._draw(0.4, seed=1))

  def test_who_does_not_train_is_not_drawn(self):
    self.assertEqual(self._draw(1.0, clients=[4, 7]), {4, 7})


class VoteForgerTest(parameterized.TestCase, tf.test.TestCase):

  def test_there_is_none_where_nobody_is_malicious(self):
    self.assertIsNone(
        attacks.build_vote_forger(attacks.Adversary(), 0, tf.identity, None)
    )

  @parameterized.parameters('against', 'random', 'collude')
  def test_an_honest_client_s_votes_stay(self, attack):
    self.assertAllEqual(_forge_votes(attack, client_id=4), _VOTES)

  def test_the_opposite_is_sent(self):
    self.assertAllEqual(_forge_votes('against'), ~_VOTES)

  def test_random_votes_are_fair_coins_of_each_client_and_round(self):
    forge = functools.partial(_forge_votes, 'random')
    one = forge()
    # 1,000 coins: the deviation is 16.
    self.assertBetween(one.sum(), 420, 580)
    self.assertAllEqual(one, forge())
    for other in (forge(client_id=5), forge(round_num=2), forge(seed=1)):
      self.assertBetween((one == other).sum(), 420, 580)

  def test_colluding_clients_send_the_same_in_every_round(self):
    forge = functools.partial(_forge_votes, 'collude')
    one = forge()
    self.assertAllEqual(one, forge(client_id=5, round_num=2))
    self.assertBetween(one.sum(), 420, 580)
    self.assertBetween((one == forge(seed=1)).sum(), 420, 580)


  def test_colluding_clients_agree_on_weights_and_not_on_places(self):
    # A round asks for the two votes from its number on.
    ballot = attacks.Ballot(5, lambda votes, first: votes[first : first + 2])
    send = attacks.build_vote_forger(
        attacks.Adversary((0,), 'collude'), 0, tf.identity, tf.identity, ballot
    )
    sent = [
        send(
            tf.constant([True, True]),
            dict(round_num=tf.constant(round_num), content=()),
            tf.constant(0),
        ).numpy()
        for round_num in range(4)
    ]
    for one, other in zip(sent, sent[1:]):
      self.assertEqual(one[1], other[0])
    self.assertLen(set(np.concatenate(sent)), 2)


class UpdateForgerTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters('against', 'random', 'collude')
  def test_an_honest_client_s_update_stays(self, attack):
    self.assertAllEqual(_forge_update(attack, client_id=4), [3, 4, 0])

  def test_the_opposite_is_sent_and_scaled(self):
    self.assertAllClose(_forge_update('against', 10.0), [-30, -40, 0])

  def test_colluding_clients_agree_on_the_signs_of_equal_steps(self):
    one = _forge_update('collude', 2.0)
    # The honest norm is 5, so each of three steps is 2 * 5 / sqrt(3).
    self.assertAllClose(np.abs(one), [10 / 3**0.5] * 3)
    self.assertAllEqual(one, _forge_update('collude', 2.0, 5, round_num=2))

  def test_noise_is_of_each_client_and_round(self):
    one = _forge_update('random')
    self.assertAllEqual(one, _forge_update('random'))
    self.assertNotAllClose(one, _forge_update('random', client_id=5))
    self.assertNotAllClose(one, _forge_update('random', round_num=2))

  def test_noise_is_as_large_as_the_update_times_the_scale(self):
    norms = [
        np.linalg.norm(_forge_update('random', 3.0, round_num=i))
        for i in range(40)
    ]
    # The mean norm of three normal numbers is 1.60, its square's 3.
    self.assertAllClose(np.mean(norms), 15 * 1.6 / 3**0.5, rtol=0.2)


if __name__ == '__main__':
  tf.test.main()
