"""Votes: one bit a kept weight up, their mean at the server.

HideNseek (https://arxiv.org/abs/2206.04385): a client uploads the signs of its
scores, packed eight to a byte, and the server averages them. Both factories are
`tff.aggregators` factories and can be used with any `tff` process:

```
factory = SignVoteMeanFactory(num_votes=42_141)
process = factory.create(value_type, tff.TensorType(np.float32))
```
"""

from typing import Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import random_seeds

# The votes in each byte, `float32[256, 8]`.
_BYTE_VOTES = 2 * np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder='little'
).astype(np.float32) - 1


def packed_votes_type(num_votes: int) -> tff.TensorType:
  """Returns the type of an upload of votes: `uint8[ceil(num_votes / 8)]`."""
  return tff.TensorType(np.uint8, [sign_ops.num_packed_bytes(num_votes)])


def cast_votes(scores: tf.Tensor, seed: Optional[tf.Tensor] = None):
  """Turns scores into packed votes.

  Args:
    scores: `float32[K]`; for stochastic votes in units in which 1 is certain.
    seed: If `None`, the vote is the score's sign, and 0 votes +1. Otherwise the
      seed `int64[2]` of stochastic votes with P(+1) = (1 + clip(score, -1, 1))
      / 2, whose mean is an unbiased estimate of the clipped score.

  Returns:
    The votes, `uint8[ceil(K / 8)]`.
  """
  if seed is None:
    return sign_ops.pack_bits(scores >= 0)
  uniform = tf.random.stateless_uniform(
      tf.shape(scores), seed, alg=random_seeds.ALGORITHM
  )
  # A draw lies in [-1, 1), so that scores beyond need no clipping.
  return sign_ops.pack_bits(2 * uniform - 1 < scores)


def read_votes(packed: tf.Tensor, num_votes: int) -> tf.Tensor:
  """Returns packed votes as -1 and +1, `float32[num_votes]`."""
  # Looked up a byte at a time: the server does this for every client.
  votes = tf.gather(_BYTE_VOTES, tf.cast(packed, tf.int32))
  return tf.reshape(votes, [-1])[:num_votes]


def _build_mean(
    num_votes: int, value_type: tff.Type, weight_type: Optional[tff.Type]
) -> tff.templates.AggregationProcess:
  """Builds the process; `weight_type` is `None` for equal weights."""
  expected = packed_votes_type(num_votes)
  if value_type != expected:
    raise TypeError(
        f'`value_type` must be {expected} for {num_votes} votes, found '
        f'{value_type}.'
    )
  weighted = weight_type is not None
  total_type = tff.to_type((
      tff.TensorType(np.float32, [num_votes]), tff.TensorType(np.float32)
  ))

  @tff.tensorflow.computation
  def zero():
    return tf.zeros([num_votes]), tf.constant(0.0)

  @tff.tensorflow.computation(
      total_type, (value_type, weight_type) if weighted else value_type
  )
  def accumulate(total, client):
    packed, weight = client if weighted else (client, 1.0)
    weight = tf.cast(weight, tf.float32)
    votes_sum, weight_sum = total
    return (
        votes_sum + weight * read_votes(packed, num_votes),
        weight_sum + weight,
    )

  @tff.tensorflow.computation(total_type, total_type)
  def merge(a, b):
    return a[0] + b[0], a[1] + b[1]

  @tff.tensorflow.computation(total_type)
  def report(total):
    return tf.math.divide_no_nan(total[0], total[1])

  @tff.federated_computation
  def initialize():
    return tff.federated_value((), tff.SERVER)

  def mean(state, clients):
    result = tff.federated_aggregate(clients, zero(), accumulate, merge, report)
    measurements = tff.federated_value((), tff.SERVER)
    return tff.templates.MeasuredProcessOutput(state, result, measurements)

  state_type = initialize.type_signature.result
  value_type = tff.FederatedType(value_type, tff.CLIENTS)
  if not weighted:
    next_fn = tff.federated_computation(mean, [state_type, value_type])
  else:
    weight_type = tff.FederatedType(weight_type, tff.CLIENTS)

    @tff.federated_computation(state_type, value_type, weight_type)
    def next_fn(state, value, weight):
      return mean(state, tff.federated_zip((value, weight)))

  return tff.templates.AggregationProcess(initialize, next_fn)


class SignVoteMeanFactory(tff.aggregators.WeightedAggregationFactory):
  """Makes processes that average packed votes, weighted by the clients.

  The result is the mean vote, `float32[num_votes]` in [-1, 1], 0 where no
  client took part. Whole-numbered weights that sum to less than 2**24 give the
  same bits in any order of clients.
  """

  def __init__(self, num_votes: int):
    """Initializes the factory.

    Args:
      num_votes: How many votes a client casts, K.
    """
    self._num_votes = num_votes

  def create(self, value_type, weight_type):
    """Creates the process; raises `TypeError` on another `value_type`."""
    return _build_mean(self._num_votes, value_type, weight_type)


class UnweightedSignVoteMeanFactory(
    tff.aggregators.UnweightedAggregationFactory
):
  """Makes processes that average packed votes, every client counting the same.

  See `SignVoteMeanFactory`; nothing but the votes is sent.
  """

  def __init__(self, num_votes: int):
    """Initializes the factory.

    Args:
      num_votes: How many votes a client casts, K.
    """
    self._num_votes = num_votes

  def create(self, value_type):
    """Creates the process; raises `TypeError` on another `value_type`."""
    return _build_mean(self._num_votes, value_type, None)
