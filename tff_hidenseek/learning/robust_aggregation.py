"""Means that some malicious clients move less: of votes, and of weights.

Of the uploads' values at a coordinate the trimmed mean leaves out the highest
and the lowest (Yin et al., https://arxiv.org/abs/1803.01498); the median leaves
out all but the middle. Where a value is a vote, -1 or 1, both follow from the
mean vote and the number of clients alone, so nothing but the votes' sum need be
known, as with secure aggregation.
"""

from typing import Any, Callable, Optional, Union

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import options as options_lib

# From a mean of votes and the number of clients, `float32[]`, to what is taken
# in its place.
VoteRule = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _trimmed_fraction_option() -> Any:
  return options_lib.option(
      0.2,
      'Part of the clients whose values are left out at each end '
      '(aggregation=trimmed).',
      minimum=0,
      maximum=0.49,
  )


@attrs.frozen(kw_only=True, slots=False)  # To be one of several bases.
class RobustVoteOptions:
  """How the server aggregates votes."""

  aggregation: str = options_lib.option(
      'mean',
      'How the server aggregates uploads: by the mean, the trimmed mean or the '
      'median at each weight; votes also by majority, which is their median, '
      'and weights (fed_avg) also clipped, by TFF\'s robust aggregator.',
      choices=('mean', 'trimmed', 'median', 'majority'),
  )
  trimmed_fraction: float = _trimmed_fraction_option()


@attrs.frozen(kw_only=True, slots=False)  # To be one of several bases.
class RobustMeanOptions:
  """How the server aggregates weights."""

  aggregation: str = options_lib.option(
      'mean',
      'How the server aggregates uploads.',
      choices=('mean', 'trimmed', 'median', 'clipped'),
  )
  trimmed_fraction: float = _trimmed_fraction_option()


def build_vote_rule(options: RobustVoteOptions) -> Optional[VoteRule]:
  """Returns what is done with the mean vote; `None` where it is taken as is.

  Args:
    options: How votes are aggregated.
  """
  if options.aggregation == 'mean':
    return None
  if options.aggregation == 'trimmed':
    return lambda mean, num_clients: trim_votes(
        mean, num_clients, options.trimmed_fraction
    )
  return lambda mean, num_clients: tf.sign(mean)


def trim_votes(
    mean_vote: tf.Tensor, num_clients: tf.Tensor, fraction: float
) -> tf.Tensor:
  """Returns the trimmed mean of votes.

  Each of the b votes that are left out at either end is the other's opposite,
  until none of the rarer kind is left. So the sum stays, and is of fewer votes.

  Args:
    mean_vote: The mean of -1 and 1, `float32[K]`.
    num_clients: How many votes it is of, n, `float32[]`.
    fraction: Of n, rounded down, b votes are left out at either end.

  Returns:
    `clip(mean_vote * n / (n - 2 b), -1, 1)`, `float32[K]`.
  """
  num_left_out = _count_left_out(num_clients, fraction)
  factor = num_clients / (num_clients - 2 * num_left_out)
  return tf.clip_by_value(mean_vote * factor, -1, 1)


def build_mean(
    options: RobustMeanOptions,
) -> Union[
    tff.aggregators.WeightedAggregationFactory,
    tff.aggregators.UnweightedAggregationFactory,
]:
  """Builds the factory of aggregations of weights, or of their updates.

  Args:
    options: How they are aggregated; `clipped` makes sense of updates alone.
  """
  if options.aggregation == 'mean':
    return tff.aggregators.MeanFactory()
  if options.aggregation == 'clipped':
    return tff.learning.robust_aggregator()
  if options.aggregation == 'median':
    return CoordinateWiseFactory(_median)
  return CoordinateWiseFactory(
      lambda values: _trimmed_mean(values, options.trimmed_fraction)
  )


class CoordinateWiseFactory(tff.aggregators.UnweightedAggregationFactory):
  """Makes processes that see all clients' values at a coordinate together.

  Every client counts alike, so that nobody can claim to have many examples. The
  result depends on no order of clients. The server holds all uploads at once.
  """

  def __init__(self, reduce: Callable[[tf.Tensor], tf.Tensor]) -> None:
    """Initializes the factory.

    Args:
      reduce: Maps the clients' values in ascending order, `[n, ...]`, to
        `[...]`.
    """
    self._reduce = reduce

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    """Creates the process, for values of `float32` tensors."""
    total_type = tff.types.structure_from_tensor_type_tree(
        lambda t: tff.TensorType(t.dtype, [None, *t.shape]), value_type
    )

    @tff.tensorflow.computation
    def zero() -> Any:
      return tff.types.structure_from_tensor_type_tree(
          lambda t: tf.zeros([0, *t.shape], t.dtype), value_type
      )

    @tff.tensorflow.computation(total_type, value_type)
    def accumulate(total: Any, value: Any) -> Any:
      return tf.nest.map_structure(
          lambda rows, row: tf.concat([rows, row[tf.newaxis]], axis=0),
          total,
          value,
      )

    @tff.tensorflow.computation(total_type, total_type)
    def merge(a: Any, b: Any) -> Any:
      return tf.nest.map_structure(
          lambda *rows: tf.concat(rows, axis=0), a, b
      )

    @tff.tensorflow.computation(total_type)
    def report(total: Any) -> Any:
      return tf.nest.map_structure(
          lambda rows: self._reduce(tf.sort(rows, axis=0)), total
      )

    @tff.federated_computation
    def initialize() -> Any:
      return tff.federated_value((), tff.SERVER)

    @tff.federated_computation(
        initialize.type_signature.result,
        tff.FederatedType(value_type, tff.CLIENTS),
    )
    def next_fn(state: Any, value: Any) -> tff.templates.MeasuredProcessOutput:
      result = tff.federated_aggregate(
          value, zero(), accumulate, merge, report
      )
      measurements = tff.federated_value((), tff.SERVER)
      return tff.templates.MeasuredProcessOutput(state, result, measurements)

    return tff.templates.AggregationProcess(initialize, next_fn)


def _count_left_out(num_clients: tf.Tensor, fraction: float) -> tf.Tensor:
  """Returns how many values are left out at either end, `float32[]`."""
  # A tenth of ten is one, whatever the rounding of the product.
  return tf.floor(num_clients * np.float32(fraction) + 1e-4)


def _trimmed_mean(values: tf.Tensor, fraction: float) -> tf.Tensor:
  num_clients = tf.cast(tf.shape(values)[0], tf.float32)
  num_left_out = _count_left_out(num_clients, fraction)
  return _mean_of_middle(values, tf.cast(num_left_out, tf.int32))


def _median(values: tf.Tensor) -> tf.Tensor:
  return _mean_of_middle(values, (tf.shape(values)[0] - 1) // 2)


def _mean_of_middle(values: tf.Tensor, num_left_out: tf.Tensor) -> tf.Tensor:
  """Returns the mean without so many values at either end."""
  return tf.reduce_mean(
      values[num_left_out : tf.shape(values)[0] - num_left_out], axis=0
  )
