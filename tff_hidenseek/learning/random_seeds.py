"""Stateless seeds: one for every draw, derived from the experiment's seed.

The generator is named (Philox) because TensorFlow's default choice of
algorithm gives another stream on another device.
"""

import enum

import tensorflow as tf

ALGORITHM = 'philox'


class Purpose(enum.IntEnum):
  """What a draw is for: two purposes never share a stream."""

  SHUFFLE = 1
  VOTE = 2
  MASK = 3
  INITIAL_SCORES = 4


def client_seed(seed: int, purpose: Purpose, round_num, client_id) -> tf.Tensor:
  """Derives the seed of one client's draws in one round.

  Args:
    seed: The experiment's seed, a Python integer in [0, 2**31).
    purpose: What the draws are for.
    round_num: The round, `int32[]`.
    client_id: The client, `int32[]`.

  Returns:
    A seed for TensorFlow's stateless generators, `int32[2]`.
  """
  folded = tf.constant([seed, int(purpose)], tf.int32)
  for number in (round_num, client_id):
    folded = fold_in(folded, number)
  return folded


def fold_in(seed: tf.Tensor, number) -> tf.Tensor:
  """Derives a new seed `int32[2]` from a seed and a number `int32[]`."""
  return tf.random.experimental.stateless_fold_in(seed, number, alg=ALGORITHM)
