"""Stateless seeds: one for every draw, derived from the experiment's seed.

The generator is named (Philox) because TensorFlow's default choice of
algorithm gives another stream on another device. Seeds are folded by a linear
congruence, two small ops: Philox scrambles them anyway, and TensorFlow's own
`stateless_fold_in` costs a small client a fifth of its round.
"""

import enum

import tensorflow as tf

ALGORITHM = 'philox'

# Knuth's multiplier of MMIX: odd, so that folding never merges two seeds.
_MULTIPLIER = 6364136223846793005


class Purpose(enum.IntEnum):
  """What a draw is for: two purposes never share a stream."""

  SHUFFLE = 1
  VOTE = 2
  MASK = 3
  INITIAL_SCORES = 4
  PARTICIPATION = 5
  MALICIOUS = 6
  ATTACK = 7
  BALLOT = 11
  RESPONSE = 12
  NOISE = 13
  SAMPLING = 14


def client_seed(
    seed: int, purpose: Purpose, round_num: tf.Tensor, client_id: tf.Tensor
) -> tf.Tensor:
  """Derives the seed of one client's draws in one round.

  Args:
    seed: The experiment's seed, a Python integer in [0, 2**31).
    purpose: What the draws are for.
    round_num: The round, `int32[]`.
    client_id: The client, `int32[]`; or several, `int32[n, 1]`.

  Returns:
    A seed for TensorFlow's stateless generators, `int64[2]`; for several
    clients `int64[n, 2]`.
  """
  return fold_in(round_seed(seed, purpose, round_num), client_id)


def round_seed(
    seed: int, purpose: Purpose, round_num: tf.Tensor
) -> tf.Tensor:
  """Derives the seed of one round's draws, the same at every client.

  Args:
    seed: The experiment's seed, a Python integer in [0, 2**31).
    purpose: What the draws are for.
    round_num: The round, `int32[]`.

  Returns:
    A seed for TensorFlow's stateless generators, `int64[2]`.
  """
  return fold_in(tf.constant([seed, int(purpose)], tf.int64), round_num)


def fold_in(seed: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
  """Derives a new seed `int64[2]` from a seed and an integer `[]`.

  Or several, where both have dimensions before the last that fit.
  """
  return seed * _MULTIPLIER + tf.cast(number, tf.int64)
