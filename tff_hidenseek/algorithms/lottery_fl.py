"""LotteryFL (https://arxiv.org/abs/2008.03371).

Every client has its own ticket: a mask of the shared weights. When the weights
it receives are already good on its validation examples, and its ticket is not
yet as sparse as it should be, the client drops the kept weights of least
magnitude and rewinds the rest to their first values. It trains its ticket and
uploads the kept weights; the server averages a weight over the clients that
have kept it.
"""

import collections

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import local_training
from tff_hidenseek.learning import means
from tff_hidenseek.learning import options as options_lib

_option = options_lib.option

# Every tenth example is for validation.
_VALIDATION_PERIOD = 10


@attrs.frozen(kw_only=True)
class LotteryFLOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  target_density: float = _option(
      0.1,
      'Fraction of a kernel\'s weights at which a client stops pruning.',
      above=0,
      maximum=1,
  )
  pruned_fraction: float = _option(
      0.2,
      'Fraction of its kept weights that a client drops at once.',
      above=0,
      maximum=0.99,
  )
  accuracy_threshold: float = _option(
      0.5, 'Validation accuracy from which on a client prunes.', minimum=0
  )


class TicketClientWork(client_work.GradientClientWork):
  """Prunes, rewinds and trains a client's own ticket."""

  def __init__(self, model, options, initial_weights):
    super().__init__(model, options)
    self._initial_weights = initial_weights

  def start(self, message, client_state):
    self._received = message
    self._is_kept_at_start = sign_ops.unpack_bits(
        client_state['kept'], sum(w.size for w in self._initial_weights)
    )
    self._set_ticket(self._is_kept_at_start, message)

  def _set_ticket(self, is_kept, values):
    self._is_kept = is_kept
    # Multiplying by a mask is faster than tf.where.
    self._masks = flat_weights.unflatten(
        tf.cast(is_kept, tf.float32), self._initial_weights
    )
    for variable, value, mask in zip(
        self.model.trainable_variables, values, self._masks
    ):
      variable.assign(value * mask)

  def route_gradients(self, gradients):
    return [g * mask for g, mask in zip(gradients, self._masks)]

  def train(self, data, seed):
    is_validation = tf.equal(
        tf.range(tf.size(data['y'])) % _VALIDATION_PERIOD,
        _VALIDATION_PERIOD - 1,
    )
    validation = _select(data, is_validation)
    counts = local_training.evaluate(self.model, validation)
    accuracy = tf.math.divide_no_nan(
        tf.cast(counts['num_correct'], tf.float32),
        tf.cast(counts['num_examples'], tf.float32),
    )
    is_kept = tf.cond(
        tf.logical_and(
            accuracy >= self._options.accuracy_threshold,
            counts['num_examples'] > 0,
        ),
        self._prune,
        lambda: self._is_kept_at_start,
    )
    is_rewound = tf.reduce_any(tf.not_equal(is_kept, self._is_kept_at_start))
    values = tf.cond(
        is_rewound,
        lambda: [tf.constant(w) for w in self._initial_weights],
        lambda: list(self._received),
    )
    self._set_ticket(is_kept, values)
    return super().train(_select(data, tf.logical_not(is_validation)), seed)

  def personalize(self, data, seed):
    return super().train(data, seed)

  def _prune(self):
    """Returns what is kept of each kernel; other variables stay whole."""
    variables = self.model.trainable_variables
    pruned = []
    for variable, kept in zip(
        variables, flat_weights.unflatten(self._is_kept_at_start, variables)
    ):
      if _is_kernel(variable):
        kept = self._prune_kernel(variable, kept)
      pruned.append(kept)
    return flat_weights.flatten(pruned)

  def _prune_kernel(self, kernel, kept):
    num_kept = tf.math.count_nonzero(kept, dtype=tf.float32)
    num_left = tf.math.ceil((1 - self._options.pruned_fraction) * num_kept)
    target = np.ceil(self._options.target_density * np.prod(kernel.shape))
    num_left = tf.cast(
        tf.minimum(num_kept, tf.maximum(num_left, target)), tf.int32
    )
    magnitudes = tf.where(kept, tf.abs(kernel), -1)
    threshold = flat_weights.find_kth_largest(magnitudes, num_left)
    return tf.logical_and(kept, magnitudes >= threshold)

  def make_upload(self, seed):
    del seed
    values = flat_weights.flatten(self.model.trainable_variables)
    return collections.OrderedDict(
        kept=sign_ops.pack_bits(self._is_kept),
        values=tf.boolean_mask(values, self._is_kept),
    )

  def make_client_state(self):
    return collections.OrderedDict(kept=sign_ops.pack_bits(self._is_kept))

  def count_received(self, message):
    num_kept = tf.math.count_nonzero(self._is_kept_at_start)
    return num_kept * message[0].dtype.size

  def count_sent(self, upload):
    is_new = tf.reduce_any(
        tf.not_equal(self._is_kept, self._is_kept_at_start)
    )
    return tf.where(
        is_new,
        client_work.num_bytes(upload),
        client_work.num_bytes(upload['values']),
    )


def _select(data, is_chosen):
  """Returns a client's data with only some of its examples."""
  return collections.OrderedDict(
      data,
      x=tf.boolean_mask(data['x'], is_chosen),
      y=tf.boolean_mask(data['y'], is_chosen),
  )


def _is_kernel(variable) -> bool:
  return len(variable.shape) > 1


def build_lottery_fl(
    task: federated_algorithm.LearningTask, options: LotteryFLOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds LotteryFL from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The method's choices.

  Returns:
    The algorithm; its clients keep their tickets.
  """
  network = dense_network.build_dense_network(task)

  def decode(upload):
    kept = sign_ops.unpack_bits(upload['kept'], network.size)
    return collections.OrderedDict(
        value=flat_weights.spread(upload['values'], kept),
        is_kept=tf.cast(kept, tf.float32),
    )

  def update_server(state, mean):
    values = tf.math.divide_no_nan(mean['value'], mean['is_kept'])
    values = tf.where(mean['is_kept'] > 0, values, flat_weights.flatten(state))
    new_state = flat_weights.unflatten(values, network.weights)
    return new_state, collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda state: state,
          build_client=lambda: TicketClientWork(
              dense_network.build_model(task), options, network.weights
          ),
          aggregation_factory=means.UnweightedDecodedMeanFactory(decode),
          update_server=update_server,
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
          initial_client_state=collections.OrderedDict(
              kept=np.packbits(np.ones(network.size, bool), bitorder='little')
          ),
          setup_message=np.int64(task.seed),
      ),
  )
