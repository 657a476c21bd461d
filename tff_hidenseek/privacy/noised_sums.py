"""Means with noise: TFF's `DifferentiallyPrivateFactory` over seeded queries.

The query's state counts its results, and the noise of each is drawn from the
run's seed and this number: the same bits on every runtime, and in a run that
goes on. Queries of tensorflow_privacy draw from generators that cannot be
seeded. A simulation only: who knows the seed can subtract the noise.
"""

import collections
from typing import Any, Callable, Optional

import dp_accounting
import tensorflow as tf
import tensorflow_federated as tff
from tensorflow_privacy.privacy.dp_query import dp_query
from tensorflow_privacy.privacy.dp_query import normalized_query

from tff_hidenseek.learning import client_sampling
from tff_hidenseek.learning import random_seeds

# From a scale, a shape `int32[rank]` and a seed to noise.
Noise = Callable[[float, tf.Tensor, tf.Tensor], tf.Tensor]


def sample_gaussian(
    scale: float, shape: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
  """Draws `float32` from the Gaussian around 0; see `Noise`."""
  return scale * tf.random.stateless_normal(
      shape, seed, alg=random_seeds.ALGORITHM
  )


class SeededNoiseSumQuery(dp_query.SumAggregationDPQuery):
  """A sum of records with seeded noise; the caller bounds the records.

  Unlike `GaussianSumQuery` it does not clip, so what it sums may be sums of
  several clients already.
  """

  def __init__(
      self,
      norm_bound: float,
      noise_multiplier: float,
      noise: Noise,
      seed: int,
      publish: Callable[[Any], Any] = lambda total: total,
  ) -> None:
    """Initializes the query.

    Args:
      norm_bound: The most that a client adds to the sum, in the L2 norm.
      noise_multiplier: The noise's scale over that, above 0.
      noise: Draws it.
      seed: The experiment's seed.
      publish: Maps the sum to that part of it which gets noise and is the
        result; the norm is that of a client's share in this part.
    """
    self._publish = publish
    self._scale = norm_bound * noise_multiplier
    self._event = dp_accounting.GaussianDpEvent(noise_multiplier)
    self._noise = noise
    self._seed = seed

  def initial_global_state(self) -> Any:
    return collections.OrderedDict(num_results=tf.constant(0))

  def get_noised_result(self, sample_state: Any, global_state: Any) -> Any:
    seed = random_seeds.round_seed(
        self._seed, random_seeds.Purpose.NOISE, global_state['num_results']
    )
    published = self._publish(sample_state)
    noised = [
        leaf
        + tf.cast(
            self._noise(
                self._scale, tf.shape(leaf), random_seeds.fold_in(seed, place)
            ),
            leaf.dtype,
        )
        for place, leaf in enumerate(tf.nest.flatten(published))
    ]
    new_state = collections.OrderedDict(
        num_results=global_state['num_results'] + 1
    )
    result = tf.nest.pack_sequence_as(published, noised)
    return result, new_state, self._event


def build_noised_mean(
    query: SeededNoiseSumQuery,
    sampling: Optional[client_sampling.ClientSampling],
    sum_factory: Optional[tff.aggregators.UnweightedAggregationFactory] = None,
) -> tff.aggregators.UnweightedAggregationFactory:
  """Returns a factory of processes that sum, add noise and divide.

  Args:
    query: What noise is added.
    sampling: How a round's clients are drawn: the divisor is the number of them
      that is expected, which is public, whoever takes part.
    sum_factory: How records are summed; TFF's plain sum by default.

  Raises:
    ValueError: If `sampling` is `None`.
  """
  if sampling is None:
    raise ValueError(
        '`task.sampling` must say how clients are drawn where noise is added, '
        'found None.'
    )
  return tff.aggregators.DifferentiallyPrivateFactory(
      normalized_query.NormalizedQuery(query, sampling.clients_per_round),
      sum_factory,
  )


def clip(record: Any, norm_bound: float) -> Any:
  """Scales `float32` tensors down to an L2 norm of all of at most a bound."""
  clipped, _ = tf.clip_by_global_norm(tf.nest.flatten(record), norm_bound)
  return tf.nest.pack_sequence_as(record, clipped)
