"""Votes: at most one bit a kept weight up, their mean at the server.

HideNseek (https://arxiv.org/abs/2206.04385): a client uploads the signs of its
scores, packed eight to a byte, and the server averages them. Both factories are
`tff.aggregators` factories and can be used with any `tff` process:

```
factory = SignVoteMeanFactory(num_votes=42_141)
process = factory.create(value_type, tff.TensorType(np.float32))
```
"""

from typing import Callable, Optional

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import half_bit_votes
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import means
from tff_hidenseek.learning import philox
from tff_hidenseek.learning import random_seeds

# The votes in each byte, `float32[256, 8]`.
_BYTE_VOTES = 2 * np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder='little'
).astype(np.float32) - 1


def packed_votes_type(num_votes: int) -> tff.TensorType:
  """Returns the type of an upload of votes: `uint8[ceil(num_votes / 8)]`."""
  return tff.TensorType(np.uint8, [sign_ops.num_packed_bytes(num_votes)])


def draw_votes(scores: tf.Tensor, seed: Optional[tf.Tensor] = None):
  """Turns scores into votes.

  Args:
    scores: `float32[K]`; for stochastic votes in units in which 1 is certain.
      Or those of several clients, `float32[clients, K]`.
    seed: If `None`, the vote is the score's sign, and 0 votes +1. Otherwise the
      seed `int64[2]` of stochastic votes with P(+1) = (1 + clip(score, -1, 1))
      / 2, whose mean is an unbiased estimate of the clipped score; of several
      clients `int64[clients, 2]`.

  Returns:
    The votes, `bool` in the shape of the scores: `True` is +1.
  """
  if seed is None:
    return scores >= 0
  if len(seed.shape) > 1:
    uniform = philox.draw_uniform(seed, scores.shape[-1])
  else:
    uniform = tf.random.stateless_uniform(
        tf.shape(scores), seed, alg=random_seeds.ALGORITHM
    )
  # A draw lies in [-1, 1), so that scores beyond need no clipping.
  return 2 * uniform - 1 < scores


def cast_votes(scores: tf.Tensor, seed: Optional[tf.Tensor] = None):
  """Returns the votes of `draw_votes`, packed: `uint8[ceil(K / 8)]`."""
  return sign_ops.pack_bits(draw_votes(scores, seed))


def read_votes(packed: tf.Tensor, num_votes: int) -> tf.Tensor:
  """Returns packed votes as -1 and +1, `float32[..., num_votes]`."""
  # Looked up a byte at a time: the server does this for every client.
  votes = tf.gather(_BYTE_VOTES, tf.cast(packed, tf.int32))
  if len(packed.shape) == 1:
    return tf.reshape(votes, [-1])[:num_votes]
  return tf.reshape(votes, [-1, 8 * packed.shape[-1]])[:, :num_votes]


@attrs.frozen
class VoteCoding:
  """How votes travel.

  Attributes:
    cast: Maps scores `float32[K]` and a seed `int64[2]` to what is sent; see
      `cast_votes`.
    read: Maps that and K to votes of -1 and +1, `float32[K]`.
    sent_type: Maps K to the `tff.TensorType` of what is sent.
  """

  cast: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
  read: Callable[[tf.Tensor, int], tf.Tensor]
  sent_type: Callable[[int], tff.TensorType]


VOTE_CODINGS = {
    'bits': VoteCoding(cast_votes, read_votes, packed_votes_type),
    'entropy': VoteCoding(
        half_bit_votes.cast_votes,
        half_bit_votes.read_votes,
        half_bit_votes.coded_votes_type,
    ),
}


class SignVoteMeanFactory(means.DecodedMeanFactory):
  """Makes processes that average packed votes, weighted by the clients.

  The result is the mean vote, `float32[num_votes]` in [-1, 1], 0 where no
  client took part. Whole-numbered weights that sum to less than 2**24 give the
  same bits in any order of clients.
  """

  def __init__(self, num_votes: int, coding: str = 'bits'):
    """Initializes the factory.

    Args:
      num_votes: How many votes a client casts, K.
      coding: A name in `VOTE_CODINGS`.
    """
    super().__init__(lambda sent: VOTE_CODINGS[coding].read(sent, num_votes))
    self._num_votes = num_votes
    self._coding = coding

  def create(self, value_type, weight_type):
    """Creates the process; raises `TypeError` on another `value_type`."""
    _check_type(self._coding, self._num_votes, value_type)
    return super().create(value_type, weight_type)


class UnweightedSignVoteMeanFactory(means.UnweightedDecodedMeanFactory):
  """Makes processes that average packed votes, every client counting the same.

  See `SignVoteMeanFactory`; nothing but the votes is sent.
  """

  def __init__(self, num_votes: int, coding: str = 'bits'):
    """Initializes the factory.

    Args:
      num_votes: How many votes a client casts, K.
      coding: A name in `VOTE_CODINGS`.
    """
    super().__init__(lambda sent: VOTE_CODINGS[coding].read(sent, num_votes))
    self._num_votes = num_votes
    self._coding = coding

  def create(self, value_type):
    """Creates the process; raises `TypeError` on another `value_type`."""
    _check_type(self._coding, self._num_votes, value_type)
    return super().create(value_type)


def _check_type(coding: str, num_votes: int, value_type: tff.Type) -> None:
  expected = VOTE_CODINGS[coding].sent_type(num_votes)
  if value_type != expected:
    raise TypeError(
        f'`value_type` must be {expected} for {num_votes} votes, found '
        f'{value_type}.'
    )
