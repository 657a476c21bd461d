"""Drawn votes in half a bit each: sixteen of them are one of 256 codewords.

Minimal random coding (https://arxiv.org/abs/1810.00440; for federated masks
https://arxiv.org/abs/2306.12625): a client does not draw its votes, but which
of 2**b shared candidates they are, each with a chance in proportion to how much
likelier its votes are than fair coins. It sends b bits, whatever the votes.
Here the candidates are the Nordstrom-Robinson code: of its 256 words, any five
votes are independent fair coins, so that up to terms of sixth order in the
scores a vote is as likely +1 as it would have been alone.
"""

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import random_seeds

_BLOCK = 16
_NUM_WORDS = 256
# A vote is never quite certain: no candidate may have all of its votes.
_MOST_CERTAIN = 0.99
# The octacode over the integers modulo 4, and the two bits of each of these
# (Forney, Sloane & Trott, "The Nordstrom-Robinson code is the binary image of
# the octacode", 1993).
_OCTACODE = np.array([
    [1, 0, 0, 0, 3, 1, 2, 1],
    [0, 1, 0, 0, 1, 2, 3, 1],
    [0, 0, 1, 0, 3, 3, 3, 2],
    [0, 0, 0, 1, 2, 3, 1, 1],
])
_GRAY_BITS = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])


def _build_codewords() -> np.ndarray:
  digits = np.arange(_NUM_WORDS)[:, np.newaxis] // [64, 16, 4, 1] % 4
  bits = _GRAY_BITS[digits @ _OCTACODE % 4].reshape(_NUM_WORDS, _BLOCK)
  return (2 * bits - 1).astype(np.float32)


# The votes of each byte, `float32[256, 16]`.
CODEWORDS = _build_codewords()


def coded_votes_type(num_votes: int) -> tff.TensorType:
  """Returns the type of an upload: `uint8[ceil(num_votes / 16)]`."""
  return tff.TensorType(np.uint8, [-(-num_votes // _BLOCK)])


def cast_votes(scores: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
  """Draws votes of which P(+1) is about (1 + clip(score, -1, 1)) / 2.

  The votes of a block are chosen together, and lean to fair coins where its
  scores ask for more than eight bits in all. A block is sixteen votes at equal
  distances, so that layers which move far share theirs with those that do not.

  Args:
    scores: `float32[K]`, in units in which 1 is certain.
    seed: `int64[2]`.

  Returns:
    The numbers of the chosen codewords, `uint8[ceil(K / 16)]`.
  """
  num_blocks = coded_votes_type(scores.shape[0]).shape[0]
  padding = num_blocks * _BLOCK - scores.shape[0]
  blocks = tf.reshape(tf.pad(scores, [[0, padding]]), [_BLOCK, num_blocks])
  # Up to a constant, log(1 + c s) = c atanh(s) for a vote c of -1 or +1.
  log_odds = tf.atanh(tf.clip_by_value(blocks, -_MOST_CERTAIN, _MOST_CERTAIN))
  log_weights = tf.matmul(
      log_odds, CODEWORDS, transpose_a=True, transpose_b=True
  )
  chances = tf.cumsum(tf.nn.softmax(log_weights), axis=1)
  uniform = tf.random.stateless_uniform(
      [num_blocks, 1], seed, alg=random_seeds.ALGORITHM
  )
  # The last is their sum, which rounding leaves on either side of 1.
  passed = tf.math.count_nonzero(
      chances <= uniform * chances[:, -1:], axis=1, dtype=tf.int32
  )
  return tf.cast(tf.minimum(passed, _NUM_WORDS - 1), tf.uint8)


def read_votes(codes: tf.Tensor, num_votes: int) -> tf.Tensor:
  """Returns the votes of codewords as -1 and +1, `float32[num_votes]`."""
  votes = tf.gather(CODEWORDS, tf.cast(codes, tf.int32))
  return tf.reshape(tf.transpose(votes), [-1])[:num_votes]
