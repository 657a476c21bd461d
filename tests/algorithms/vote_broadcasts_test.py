import itertools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import vote_broadcasts

_BROADCASTS = vote_broadcasts.VOTE_BROADCASTS


def _send(name, scores):
  """Returns scores as they arrive."""
  code = _BROADCASTS[name]
  sent = code.encode(tf.constant(scores, tf.float32))
  return code.decode(sent, len(scores)).numpy()


def _nearest_level(scores):
  """Returns the nearest of -15/15, -13/15 ... 15/15."""
  levels = np.arange(-15, 16, 2) / 15
  return levels[np.abs(scores[:, np.newaxis] - levels).argmin(axis=1)]


class TypesTest(tf.test.TestCase):

  def test_what_is_sent_has_the_type_that_is_promised(self):
    for name, num_votes in itertools.product(_BROADCASTS, range(1, 20)):
      code = _BROADCASTS[name]
      sent = code.encode(tf.zeros([num_votes]))
      self.assertEqual(
          tff.TensorType(sent.dtype.as_numpy_dtype, sent.shape),
          code.sent_type(num_votes),
      )
      decoded = code.decode(sent, num_votes)
      self.assertEqual(decoded.dtype, tf.float32)
      self.assertEqual(decoded.shape, [num_votes])

  def test_a_score_costs_32_bits_or_4_or_2_or_1(self):
    for name, num_bytes in (
        ('float32', 4 * 17),
        ('tally', 9),
        ('half_tally', 5),
        ('majority', 3),
    ):
      code = _BROADCASTS[name]
      sent = code.encode(tf.zeros([17])).numpy()
      self.assertEqual(sent.nbytes, num_bytes)


class ExecutionTest(tf.test.TestCase):

  def test_float32_arrives_as_it_is(self):
    scores = np.random.default_rng(0).uniform(-1, 1, 9).astype(np.float32)
    self.assertAllEqual(_send('float32', scores), scores)

  def test_majority_arrives_as_signs_at_every_length(self):
    for num_votes in range(1, 20):
      scores = np.random.default_rng(num_votes).uniform(-1, 1, num_votes)
      self.assertAllEqual(_send('majority', scores), np.sign(scores))

  def test_a_tie_arrives_as_the_majority_plus_one(self):
    self.assertAllEqual(_send('majority', [0.0, -0.0]), [1, 1])

  def test_tally_arrives_as_the_nearest_of_its_levels_at_every_length(self):
    for num_votes in range(1, 20):
      scores = np.random.default_rng(num_votes).uniform(-1, 1, num_votes)
      self.assertAllClose(
          _send('tally', scores), _nearest_level(scores), rtol=0, atol=1e-7
      )

  def test_every_level_of_the_tally_arrives_as_it_is(self):
    levels = np.arange(-15, 16, 2, dtype=np.float32) / 15
    self.assertLen(levels, 16)
    for sent in itertools.product(levels[[0, 7, 8, 15]], repeat=3):
      self.assertAllEqual(_send('tally', sent), sent)
    self.assertAllEqual(_send('tally', levels), levels)

  def test_scores_beyond_one_arrive_as_one(self):
    for name in ('tally', 'majority'):
      self.assertAllEqual(_send(name, [-3.0, 3.0]), [-1, 1])

  def test_the_tally_keeps_every_sign(self):
    sizes = np.append(np.linspace(0, 1, 1001), 10.0 ** np.arange(-30, 0))
    self.assertAllGreater(_send('tally', sizes), 0)
    self.assertAllLess(_send('tally', -sizes[sizes > 0]), 0)

  def test_a_tie_arrives_as_the_least_level_above_zero(self):
    self.assertAllClose(_send('tally', [0.0, -0.0]), [1 / 15, 1 / 15])

  def test_a_half_tally_is_near_0_or_far_on_either_side(self):
    scores = [-3.0, -0.4, -0.3, -1e-30, -0.0, 0.0, 0.3, 0.375, 1.0]
    levels = [-0.625, -0.625, -0.125, -0.125, 0.125, 0.125, 0.125, 0.625, 0.625]
    for num_votes in range(1, 10):
      for shift in range(9):
        rolled = np.roll(scores, shift)[:num_votes]
        self.assertAllEqual(
            _send('half_tally', rolled), np.roll(levels, shift)[:num_votes]
        )

  def test_mean_votes_of_1_3_5_or_15_clients_arrive_as_they_are(self):
    for num_clients in (1, 3, 5, 15):
      means = np.arange(-num_clients, num_clients + 1, 2) / num_clients
      self.assertAllEqual(_send('tally', means), means.astype(np.float32))

  def test_mean_votes_of_up_to_15_clients_stay_apart(self):
    for num_clients in range(1, 16):
      means = np.arange(-num_clients, num_clients + 1, 2) / num_clients
      self.assertLen(set(_send('tally', means).tolist()), num_clients + 1)


if __name__ == '__main__':
  tf.test.main()
