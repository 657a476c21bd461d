"""FedAvg with sparse, quantised uploads: what a practical user would try first.

Of its update a client uploads the entries of largest magnitude
(https://arxiv.org/abs/1704.05021), each in 8 bits. The rest is dropped: clients
keep nothing between rounds, so there is no error feedback.
"""

import collections

import attrs
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import options as options_lib

_MAX_LEVEL = 127


@attrs.frozen(kw_only=True)
class CompressedFedAvgOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  upload_density: float = options_lib.option(
      0.01,
      'Fraction of the update\'s numbers, the largest, that a client sends.',
      above=0,
      maximum=1,
  )


class CompressedClientWork(fed_avg.UpdateClientWork):
  """Trains all weights and uploads the largest entries of the update."""

  def __init__(self, model: tf.keras.Model, options, num_sent: int):
    super().__init__(model, options)
    self._num_sent = num_sent

  def make_upload(self, seed):
    update = flat_weights.flatten(super().make_upload(seed))
    positions = tf.sort(tf.math.top_k(tf.abs(update), self._num_sent).indices)
    values = tf.gather(update, positions)
    scale = tf.reduce_max(tf.abs(values)) / _MAX_LEVEL
    levels = tf.round(tf.math.divide_no_nan(values, scale))
    return collections.OrderedDict(
        positions=positions, levels=tf.cast(levels, tf.int8), scale=scale
    )


def build_fed_avg_compressed(
    task: federated_algorithm.LearningTask, options: CompressedFedAvgOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedAvg with compressed uploads from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the compression.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)
  num_sent = max(1, round(options.upload_density * network.size))

  def decode(upload):
    values = tf.cast(upload['levels'], tf.float32) * upload['scale']
    positions = upload['positions'][:, tf.newaxis]
    return tf.scatter_nd(positions, values, [network.size])

  return dense_network.build_algorithm_of_updates(
      task,
      network,
      lambda model: CompressedClientWork(model, options, num_sent),
      decode,
  )
