"""Codes of the mean vote on its way down: float32, 4 bits, 2 bits or 1.

The server's global score of a kept weight lies in [-1, 1]. `tally` rounds it to
the nearest of 16 levels -15/15, -13/15 ... 15/15, two to a byte. None of them
is 0, so a score keeps its sign on the way down. `half_tally` sends the sign
and whether the score is far from 0, four to a byte: -5/8, -1/8, 1/8 or 5/8.
`majority` sends the sign.
"""

from typing import Callable

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import options as options_lib

# The highest level; the lowest is 0.
_TOP_LEVEL = 15
_NIBBLES = np.stack([np.arange(256) % 16, np.arange(256) // 16], axis=1)
# The two scores of each byte of a tally, `float32[256, 2]`.
_TALLY_SCORES = np.float32(2 * _NIBBLES - _TOP_LEVEL) / np.float32(_TOP_LEVEL)
# From where on a score is far from 0, between the two levels on its side.
_FAR = 3 / 8
_HALF_TALLY_LEVELS = np.float32([-1 / 8, -5 / 8, 1 / 8, 5 / 8])
_PLACES = np.array([1, 4, 16, 64], np.uint8)
_CRUMBS = np.arange(256)[:, np.newaxis] // _PLACES % 4
# The four scores of each byte of a half tally, `float32[256, 4]`.
_HALF_TALLY_SCORES = _HALF_TALLY_LEVELS[_CRUMBS]


@attrs.frozen
class VoteBroadcast:
  """A code of global scores.

  Attributes:
    encode: Maps scores `float32[K]` in [-1, 1] to the tensor that is sent.
    decode: Maps that tensor and K to scores `float32[K]`.
    sent_type: Maps K to the `tff.TensorType` of what is sent.
  """

  encode: Callable[[tf.Tensor], tf.Tensor]
  decode: Callable[[tf.Tensor, int], tf.Tensor]
  sent_type: Callable[[int], tff.TensorType]


def _encode_tally(scores: tf.Tensor) -> tf.Tensor:
  # `floor` before anything is added: no score, however small, goes across 0.
  below = tf.floor(tf.clip_by_value(scores, -1, 1) * (_TOP_LEVEL / 2))
  nibbles = tf.cast(below + (_TOP_LEVEL + 1) // 2, tf.uint8)
  nibbles = tf.reshape(tf.pad(nibbles, [[0, nibbles.shape[0] % 2]]), [-1, 2])
  return nibbles[:, 0] + 16 * nibbles[:, 1]


def _decode_tally(sent: tf.Tensor, num_votes: int) -> tf.Tensor:
  # Looked up a byte at a time: every client does this in every round.
  scores = tf.gather(_TALLY_SCORES, tf.cast(sent, tf.int32))
  return tf.reshape(scores, [-1])[:num_votes]


def _encode_half_tally(scores: tf.Tensor) -> tf.Tensor:
  codes = 2 * tf.cast(scores >= 0, tf.uint8) + tf.cast(
      tf.abs(scores) >= _FAR, tf.uint8
  )
  codes = tf.reshape(tf.pad(codes, [[0, -codes.shape[0] % 4]]), [-1, 4])
  return tf.reduce_sum(codes * _PLACES, axis=1)


def _decode_half_tally(sent: tf.Tensor, num_votes: int) -> tf.Tensor:
  scores = tf.gather(_HALF_TALLY_SCORES, tf.cast(sent, tf.int32))
  return tf.reshape(scores, [-1])[:num_votes]


def _encode_majority(scores: tf.Tensor) -> tf.Tensor:
  return sign_ops.pack_bits(scores >= 0)


def _decode_majority(sent: tf.Tensor, num_votes: int) -> tf.Tensor:
  return 2 * tf.cast(sign_ops.unpack_bits(sent, num_votes), tf.float32) - 1


VOTE_BROADCASTS = {
    'float32': VoteBroadcast(
        encode=lambda scores: scores,
        decode=lambda sent, num_votes: sent,
        sent_type=lambda num_votes: tff.TensorType(np.float32, [num_votes]),
    ),
    'tally': VoteBroadcast(
        encode=_encode_tally,
        decode=_decode_tally,
        sent_type=lambda num_votes: tff.TensorType(
            np.uint8, [(num_votes + 1) // 2]
        ),
    ),
    'half_tally': VoteBroadcast(
        encode=_encode_half_tally,
        decode=_decode_half_tally,
        sent_type=lambda num_votes: tff.TensorType(
            np.uint8, [(num_votes + 3) // 4]
        ),
    ),
    'majority': VoteBroadcast(
        encode=_encode_majority,
        decode=_decode_majority,
        sent_type=lambda num_votes: tff.TensorType(
            np.uint8, [sign_ops.num_packed_bytes(num_votes)]
        ),
    ),
}


def broadcast_option():
  """Declares the code of the global scores on their way down."""
  return options_lib.option(
      'tally',
      'Code of the global scores on their way down.',
      choices=tuple(VOTE_BROADCASTS),
  )
