"""Sums of votes of which the server sees no client's share.

A vote is 0 or 1, and a sum of at most n of them is a number modulo n + 1: as
such, of ceil(log2(n + 1)) bits, it is masked and sent in secure aggregation
(Bonawitz et al., CCS 2017). Here TFF's `SecureModularSumFactory` adds them up;
a runtime that simulates computes that sum in the clear. The keys and shares of
a real protocol are not part of it.
"""

import collections
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.layers import sign_ops


def bits_per_vote(most_clients: int) -> int:
  """Returns ceil(log2(most_clients + 1)): the bits that a masked vote needs."""
  return most_clients.bit_length()


def widen(votes: tf.Tensor, num_bits: int) -> tf.Tensor:
  """Packs votes, giving each the room of a number of so many bits.

  Args:
    votes: Of which `True` is 1, `bool[num_votes]`.
    num_bits: See `bits_per_vote`.

  Returns:
    The numbers, `uint8[ceil(num_votes * num_bits / 8)]`, lowest bits first.
  """
  digits = tf.pad(votes[:, tf.newaxis], [[0, 0], [0, num_bits - 1]])
  return sign_ops.pack_bits(tf.reshape(digits, [-1]))


def read(widened: tf.Tensor, num_votes: int, num_bits: int) -> tf.Tensor:
  """Returns the votes of `widen` as -1 and +1, `float32[num_votes]`."""
  digits = sign_ops.unpack_bits(widened, num_votes * num_bits)
  places = tf.constant([1 << place for place in range(num_bits)], tf.float32)
  numbers = tf.linalg.matvec(
      tf.cast(tf.reshape(digits, [num_votes, num_bits]), tf.float32), places
  )
  return 2 * numbers - 1


def make_record(votes: tf.Tensor) -> collections.OrderedDict[str, tf.Tensor]:
  """Returns what `SecureVoteSumFactory` adds up of one client.

  Args:
    votes: -1 and +1, `float32[num_votes]`.
  """
  return collections.OrderedDict(votes=votes, clients=tf.constant(1.0))


class SecureVoteSumFactory(tff.aggregators.UnweightedAggregationFactory):
  """Makes processes that add up records of `make_record`.

  A record may be a sum of several clients'. The result is the sum.
  """

  def __init__(self, most_clients: int) -> None:
    """Initializes the factory.

    Args:
      most_clients: Of more clients the sum would be wrong.
    """
    self._most_clients = most_clients

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    """Creates the process; it keeps no state."""
    num_votes = value_type['votes'].shape[0]
    modular_sum = tff.aggregators.SecureModularSumFactory(
        self._most_clients + 1
    ).create(tff.TensorType(np.int32, [num_votes]))

    @tff.tensorflow.computation(value_type)
    def count_yes(record: Any) -> tf.Tensor:
      return tf.cast((record['votes'] + record['clients']) / 2, tf.int32)

    @tff.tensorflow.computation(
        tff.TensorType(np.int32, [num_votes]), value_type['clients']
    )
    def restore(num_yes: tf.Tensor, clients: tf.Tensor) -> Any:
      votes = 2 * tf.cast(num_yes, tf.float32) - clients
      return collections.OrderedDict(votes=votes, clients=clients)

    @tff.federated_computation(
        modular_sum.state_type, tff.FederatedType(value_type, tff.CLIENTS)
    )
    def next_fn(state: Any, value: Any) -> tff.templates.MeasuredProcessOutput:
      added = modular_sum.next(state, tff.federated_map(count_yes, value))
      clients = tff.federated_sum(value['clients'])
      result = tff.federated_map(restore, (added.result, clients))
      return tff.templates.MeasuredProcessOutput(
          added.state, result, added.measurements
      )

    return tff.templates.AggregationProcess(modular_sum.initialize, next_fn)


class SecureVoteMeanFactory(tff.aggregators.UnweightedAggregationFactory):
  """Makes processes whose result is the mean vote, `float32[num_votes]`.

  It takes what `SecureVoteSumFactory` takes.
  """

  def __init__(self, most_clients: int) -> None:
    """Initializes the factory.

    Args:
      most_clients: As for `SecureVoteSumFactory`.
    """
    self._sum_factory = SecureVoteSumFactory(most_clients)

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    """Creates the process; it keeps no state."""
    vote_sum = self._sum_factory.create(value_type)

    @tff.tensorflow.computation(value_type)
    def divide(total: Any) -> tf.Tensor:
      return tf.math.divide_no_nan(total['votes'], total['clients'])

    @tff.federated_computation(
        vote_sum.state_type, tff.FederatedType(value_type, tff.CLIENTS)
    )
    def next_fn(state: Any, value: Any) -> tff.templates.MeasuredProcessOutput:
      added = vote_sum.next(state, value)
      return tff.templates.MeasuredProcessOutput(
          added.state,
          tff.federated_map(divide, added.result),
          added.measurements,
      )

    return tff.templates.AggregationProcess(vote_sum.initialize, next_fn)
