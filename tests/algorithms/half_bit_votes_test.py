import itertools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import half_bit_votes


def _draw(scores, seed=(3, 5)):
  codes = half_bit_votes.cast_votes(
      tf.constant(scores, tf.float32), tf.constant(seed)
  )
  return half_bit_votes.read_votes(codes, len(scores)).numpy()


class CodewordsTest(tf.test.TestCase):

  def test_any_two_differ_in_six_votes(self):
    words = half_bit_votes.CODEWORDS
    distances = (16 - words @ words.T) / 2
    self.assertAllEqual(np.unique(distances), [0, 6, 8, 10, 16])
    self.assertEqual(np.count_nonzero(distances == 0), 256)

  def test_any_five_votes_are_fair_coins(self):
    bits = half_bit_votes.CODEWORDS > 0
    for places in itertools.combinations(range(16), 5):
      patterns = bits[:, places] @ [1, 2, 4, 8, 16]
      self.assertAllEqual(np.bincount(patterns), np.full(32, 8))


class CastVotesTest(tf.test.TestCase):

  def test_sixteen_votes_are_a_byte(self):
    for num_votes, num_bytes in ((1, 1), (16, 1), (17, 2), (42_141, 2634)):
      expected = tff.TensorType(np.uint8, [num_bytes])
      self.assertEqual(half_bit_votes.coded_votes_type(num_votes), expected)
      codes = half_bit_votes.cast_votes(
          tf.zeros([num_votes]), tf.constant([3, 5])
      )
      self.assertEqual((codes.dtype, codes.shape), (tf.uint8, [num_bytes]))

  def test_certain_votes_that_are_a_codeword_are_its_number(self):
    # Another word has at least six of the votes wrong, each by 1 in 200.
    scores = 2 * half_bit_votes.CODEWORDS.T  # A block is a column.
    codes = half_bit_votes.cast_votes(
        tf.constant(scores.ravel()), tf.constant([3, 5])
    )
    self.assertAllEqual(codes, np.arange(256))

  def test_what_is_cast_is_read_at_every_length(self):
    word = half_bit_votes.CODEWORDS[77]
    for num_votes in range(1, 80):
      num_blocks = -(-num_votes // 16)
      scores = np.repeat(word, num_blocks)[:num_votes]
      # Where votes are missing a second word may have all that are there.
      if num_votes % num_blocks == 0 and num_votes > 10 * num_blocks:
        self.assertAllEqual(_draw(scores), scores)
      self.assertAllEqual(np.abs(_draw(scores)), np.ones(num_votes))

  def test_one_score_is_voted_for_as_if_alone(self):
    num_blocks = 40_000
    for score in (-0.9, -0.5, 0.25, 0.9):
      scores = np.zeros([16, num_blocks])
      scores[7] = score
      mean = _draw(scores.ravel()).reshape(16, num_blocks).mean(axis=1)
      self.assertAllClose(mean, scores[:, 0], rtol=0, atol=4 / 200)

  def _find_leaning(self, size):
    """Returns the mean vote for scores of one size, in units of that size."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], 160_000)
    return np.mean(signs * _draw(size * signs)) / min(size, 1)

  def test_scores_that_ask_for_a_fifth_of_a_bit_are_unbiased_within_3_percent(
      self,
  ):
    # A vote of P = 0.75 takes 1 - H(0.75) = 0.19 bits of a fair coin's.
    self.assertAllClose(self._find_leaning(0.5), 0.985, rtol=0, atol=0.015)

  def test_scores_that_ask_for_half_a_bit_lean_to_coins_by_a_sixth(self):
    # P = 0.89 takes 0.5 bits: all that is sent.
    self.assertAllClose(self._find_leaning(0.78), 5 / 6, rtol=0, atol=0.03)

  def test_scores_beyond_a_bit_still_win_most_votes(self):
    self.assertAllClose(self._find_leaning(5), 0.7, rtol=0, atol=0.03)

  def test_votes_depend_on_the_seed_alone(self):
    scores = np.zeros(800)
    self.assertAllEqual(_draw(scores, (1, 2)), _draw(scores, (1, 2)))
    self.assertNotAllEqual(_draw(scores, (1, 2)), _draw(scores, (1, 3)))


if __name__ == '__main__':
  tf.test.main()
