"""FedMask (SenSys 2021, https://doi.org/10.1145/3485730.3485929).

The weights are random and stay frozen. In its first round a client prunes them
once, from its own data; from then on it trains a mask in {0, 1} over what it
has kept, and uploads one bit a kept weight. The server averages a bit over the
clients that have kept its weight. A client's model is its own mask.
"""

import collections

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.algorithms import masked_weights
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import means
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.models import layer_sets

_option = options_lib.option


@attrs.frozen(kw_only=True)
class FedMaskOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  density: float = _option(
      0.5,
      'Fraction of each layer\'s weights that a client keeps.',
      above=0,
      maximum=1,
  )
  kernel_gain: float = options_lib.kernel_gain_option()
  score_scale: float = _option(
      0.1,
      'What a global score of 1 becomes on a client: small ones change sign '
      'sooner.',
      above=0,
  )
  broadcast: str = vote_broadcasts.broadcast_option()
  client_optimizer: str = options_lib.client_optimizer_option('adam')
  client_learning_rate: float = options_lib.client_learning_rate_option(0.01)


class PersonalMaskClientWork(masked_weights.MaskedWeightsClientWork):
  """Prunes once; then trains scores of which the mask is `scores >= 0`."""

  def __init__(self, task, options, weights, num_kept):
    super().__init__(task, options, weights)
    self._num_kept = num_kept
    self._broadcast = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]

  def start(self, message, client_state):
    size = sum(w.size for w in self._weights)
    self._received = self._broadcast.decode(message, size)
    self._is_pruned = client_state['is_pruned']
    self._set_kept(
        sign_ops.unpack_bits(client_state['kept'], size), self._is_pruned
    )

  def _set_kept(self, kept, is_pruned):
    """Restricts the mask, and starts from the scores that were received."""
    self._kept = kept
    # A pruned layer's outputs vary as much as the whole layer's.
    gain = tf.where(is_pruned, self._options.density**-0.5, 1.0)
    factors = flat_weights.unflatten(
        gain * tf.cast(kept, tf.float32), self._weights
    )
    self._kept_weights = [w * f for w, f in zip(self._weights, factors)]
    flat_weights.assign(
        self.scores, self._options.score_scale * self._received
    )
    self.after_step()

  def after_step(self):
    self.assign_kernels(self._kept_weights, [s >= 0 for s in self.scores])

  def route_gradients(self, gradients):
    return [g * weight for g, weight in zip(gradients, self._kept_weights)]

  def train(self, data, seed):
    # Negative, because the shuffles fold in the numbers of the epochs.
    pruning_seed = random_seeds.fold_in(seed, -int(random_seeds.Purpose.MASK))
    kept = tf.cond(
        self._is_pruned,
        lambda: self._kept,
        lambda: self._prune(data, pruning_seed),
    )
    self._set_kept(kept, True)
    return super().train(data, seed)

  def _prune(self, data, seed):
    """Trains for an epoch; returns where each layer's largest scores are."""
    self.train_epochs(data, seed, num_epochs=1)
    kept = []
    for scores, num_kept in zip(self.scores, self._num_kept):
      scores = tf.reshape(scores, [-1])
      threshold = flat_weights.find_kth_largest(scores, num_kept)
      is_above = scores > threshold
      num_equal = num_kept - tf.math.count_nonzero(is_above, dtype=tf.int32)
      # Of equal scores the first are kept.
      is_equal = tf.equal(scores, threshold)
      order = tf.cumsum(tf.cast(is_equal, tf.int32))
      kept.append(is_above | (is_equal & (order <= num_equal)))
    self._optimizer.reset()
    return tf.concat(kept, axis=0)

  def _select_kept(self, vector):
    selected = tf.boolean_mask(vector, self._kept)
    return tf.ensure_shape(selected, [sum(self._num_kept)])

  def make_upload(self, seed):
    del seed
    return collections.OrderedDict(
        kept=sign_ops.pack_bits(self._kept),
        mask=sign_ops.pack_bits(
            self._select_kept(flat_weights.flatten(self.scores) >= 0)
        ),
    )

  def make_client_state(self):
    return collections.OrderedDict(
        is_pruned=tf.constant(True), kept=sign_ops.pack_bits(self._kept)
    )

  def count_received(self, message):
    part = self._broadcast.encode(self._select_kept(self._received))
    return tf.where(
        self._is_pruned,
        client_work.num_bytes(part),
        client_work.num_bytes(message),
    )

  def count_sent(self, upload):
    return tf.where(
        self._is_pruned,
        client_work.num_bytes(upload['mask']),
        client_work.num_bytes(upload),
    )


def build_fed_mask(
    task: federated_algorithm.LearningTask, options: FedMaskOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedMask.

  Args:
    task: What is learned.
    options: The method's choices.

  Returns:
    The algorithm; its clients keep what they have pruned.
  """
  weights = masked_weights.draw_signed_constants(task, options.kernel_gain)
  size = sum(w.size for w in weights)
  num_kept = [max(1, round(options.density * w.size)) for w in weights]
  broadcast = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]
  rng = np.random.Generator(
      np.random.Philox(key=[task.seed, random_seeds.Purpose.INITIAL_SCORES])
  )

  def build_client():
    return PersonalMaskClientWork(task, options, weights, num_kept)

  def decode(upload):
    kept = sign_ops.unpack_bits(upload['kept'], size)
    bits = sign_ops.unpack_bits(upload['mask'], sum(num_kept))
    bits = tf.cast(bits, tf.float32)
    return collections.OrderedDict(
        vote=flat_weights.spread(2 * bits - 1, kept),
        is_kept=tf.cast(kept, tf.float32),
    )

  def update_server(state, mean):
    votes = tf.math.divide_no_nan(mean['vote'], mean['is_kept'])
    scores = tf.where(mean['is_kept'] > 0, votes, state)
    return scores, collections.OrderedDict()

  layers = layer_sets.prunable_layers(build_client().model)
  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=rng.uniform(-1, 1, size).astype(np.float32),
          make_message=broadcast.encode,
          build_client=build_client,
          aggregation_factory=means.UnweightedDecodedMeanFactory(decode),
          update_server=update_server,
          layer_densities=collections.OrderedDict(
              (layer.name, kept / weight.size)
              for layer, kept, weight in zip(layers, num_kept, weights)
          ),
          num_weights=size,
          initial_client_state=collections.OrderedDict(
              is_pruned=np.array(False),
              kept=np.packbits(np.ones(size, bool), bitorder='little'),
          ),
          setup_message=np.int64(task.seed),
      ),
  )
