"""Means of uploads that the server decodes one by one.

An upload crosses the boundary as it is: bits, positions, a vector whose length
differs from client to client. The server decodes it where it adds it up.

```
factory = UnweightedDecodedMeanFactory(lambda bits: unpack(bits))
process = factory.create(upload_type)
```
"""

from typing import Any, Callable, Optional

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff


def _build_mean(
    decode: Callable[[Any], Any],
    value_type: tff.Type,
    weight_type: Optional[tff.Type],
) -> tff.templates.AggregationProcess:
  """Builds the process; `weight_type` is `None` for equal weights."""
  weighted = weight_type is not None

  @tff.tensorflow.computation(value_type)
  def decode_one(value: Any) -> Any:
    return decode(value)

  decoded_type = decode_one.type_signature.result
  total_type = tff.to_type((decoded_type, tff.TensorType(np.float32)))

  @tff.tensorflow.computation
  def zero() -> Any:
    zeros = tff.types.structure_from_tensor_type_tree(
        lambda t: tf.zeros(t.shape, t.dtype), decoded_type
    )
    return zeros, tf.constant(0.0)

  @tff.tensorflow.computation(
      total_type, (value_type, weight_type) if weighted else value_type
  )
  def accumulate(total: Any, client: Any) -> Any:
    value, weight = client if weighted else (client, 1.0)
    weight = tf.cast(weight, tf.float32)
    decoded_sum, weight_sum = total
    decoded_sum = tf.nest.map_structure(
        lambda old, new: old + weight * new, decoded_sum, decode(value)
    )
    return decoded_sum, weight_sum + weight

  @tff.tensorflow.computation(total_type, total_type)
  def merge(a: Any, b: Any) -> Any:
    return tf.nest.map_structure(tf.add, a, b)

  @tff.tensorflow.computation(total_type)
  def report(total: Any) -> Any:
    decoded_sum, weight_sum = total
    return tf.nest.map_structure(
        lambda x: tf.math.divide_no_nan(x, weight_sum), decoded_sum
    )

  @tff.federated_computation
  def initialize() -> Any:
    return tff.federated_value((), tff.SERVER)

  def mean(state: Any, clients: Any) -> tff.templates.MeasuredProcessOutput:
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
    def next_fn(
        state: Any, value: Any, weight: Any
    ) -> tff.templates.MeasuredProcessOutput:
      return mean(state, tff.federated_zip((value, weight)))

  return tff.templates.AggregationProcess(initialize, next_fn)


class DecodedMeanFactory(tff.aggregators.WeightedAggregationFactory):
  """Makes processes that average decoded uploads, weighted by the clients.

  The result has the structure of what is decoded, and is 0 where the weights
  sum to 0.

  Attributes:
    decode: What the upload is decoded with.
  """

  def __init__(self, decode: Callable[[Any], Any]) -> None:
    """Initializes the factory.

    Args:
      decode: Maps an upload to `float32` tensors of static shapes.
    """
    self.decode = decode

  def create(
      self, value_type: tff.Type, weight_type: tff.Type
  ) -> tff.templates.AggregationProcess:
    """Creates the process."""
    return _build_mean(self.decode, value_type, weight_type)


class UnweightedDecodedMeanFactory(
    tff.aggregators.UnweightedAggregationFactory
):
  """Makes processes that average decoded uploads, every client counting alike.

  See `DecodedMeanFactory`.
  """

  def __init__(self, decode: Callable[[Any], Any]) -> None:
    """Initializes the factory.

    Args:
      decode: Maps an upload to `float32` tensors of static shapes.
    """
    self.decode = decode

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    """Creates the process."""
    return _build_mean(self.decode, value_type, None)


class DecodedSumFactory(tff.aggregators.UnweightedAggregationFactory):
  """Makes processes that decode uploads at the clients and then add them up.

  Attributes:
    decode: What the upload is decoded with.
    sum_factory: What aggregates decoded uploads. Sums of some clients' may
      stand for them, as where one program trains a cohort.
  """

  def __init__(
      self,
      decode: Callable[[Any], Any],
      sum_factory: tff.aggregators.UnweightedAggregationFactory,
  ) -> None:
    """Initializes the factory.

    Args:
      decode: Maps an upload to `float32` tensors of static shapes.
      sum_factory: Aggregates those by way of their sum.
    """
    self.decode = decode
    self.sum_factory = sum_factory

  def create(self, value_type: tff.Type) -> tff.templates.AggregationProcess:
    """Creates the process, whose state is that of the sum's."""

    @tff.tensorflow.computation(value_type)
    def decode_one(value: Any) -> Any:
      return self.decode(value)

    inner = self.sum_factory.create(decode_one.type_signature.result)

    @tff.federated_computation(
        inner.state_type, tff.FederatedType(value_type, tff.CLIENTS)
    )
    def next_fn(
        state: Any, value: Any
    ) -> tff.templates.MeasuredProcessOutput:
      return inner.next(state, tff.federated_map(decode_one, value))

    return tff.templates.AggregationProcess(inner.initialize, next_fn)
