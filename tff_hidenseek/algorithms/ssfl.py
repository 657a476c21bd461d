"""SSFL (https://arxiv.org/abs/2405.09037): salient sparse federated learning.

In the first round clients upload the saliency |gradient * weight| of every
weight at its initial value; the server averages them and keeps the weights of
largest saliency. From then on it is FedAvg on these weights alone.
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
from tff_hidenseek.learning import losses
from tff_hidenseek.learning import means
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds


@attrs.frozen(kw_only=True)
class SSFLOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  density: float = options_lib.option(
      0.1,
      'Fraction of all kernels\' weights that pruning keeps.',
      above=0,
      maximum=1,
  )


class SparseClientWork(client_work.GradientClientWork):
  """Finds saliencies while nothing is pruned; trains the kept weights after."""

  def __init__(self, model, options, initial_weights):
    super().__init__(model, options)
    self._initial_weights = initial_weights

  def start(self, message, client_state):
    del client_state
    initial = flat_weights.flatten(self._initial_weights)
    size = initial.shape[0]

    def read_sparse_weights():
      is_kept = sign_ops.unpack_bits(message['kept'], size)
      is_kept = tf.ensure_shape(is_kept, [size])
      return flat_weights.spread(message['values'], is_kept), is_kept

    self._is_pruned = tf.size(message['values']) > 0
    weights, self._is_kept = tf.cond(
        self._is_pruned,
        read_sparse_weights,
        lambda: (initial, tf.fill([size], True)),
    )
    flat_weights.assign(self.model.trainable_variables, weights)
    # Multiplying by a mask is faster than tf.where.
    self._masks = flat_weights.unflatten(
        tf.cast(self._is_kept, tf.float32), self._initial_weights
    )

  def route_gradients(self, gradients):
    return [g * mask for g, mask in zip(gradients, self._masks)]

  def train(self, data, seed):
    loss, self._saliencies = tf.cond(
        self._is_pruned,
        lambda: (self.personalize(data, seed), tf.zeros([0])),
        lambda: self._find_saliencies(data, seed),
    )
    return loss

  def personalize(self, data, seed):
    return super().train(data, seed)

  def _find_saliencies(self, data, seed):
    """Returns the loss and all saliencies on one random minibatch."""
    order = tf.random.experimental.stateless_shuffle(
        tf.range(tf.size(data['y'])), seed, alg=random_seeds.ALGORITHM
    )
    chosen = order[: self._options.batch_size]
    variables = self.model.trainable_variables
    with tf.GradientTape() as tape:
      logits = self.model(tf.gather(data['x'], chosen), training=True)
      loss = losses.cross_entropy(logits, tf.gather(data['y'], chosen))
    gradients = tape.gradient(loss, variables)
    saliencies = [tf.abs(g * v) for g, v in zip(gradients, variables)]
    return loss, flat_weights.flatten(saliencies)

  def make_upload(self, seed):
    del seed
    weights = flat_weights.flatten(self.model.trainable_variables)
    return tf.cond(
        self._is_pruned,
        lambda: tf.boolean_mask(weights, self._is_kept),
        lambda: self._saliencies,
    )


def build_ssfl(
    task: federated_algorithm.LearningTask, options: SSFLOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds SSFL from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the density.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)
  is_kernel = np.concatenate(
      [np.full(w.size, w.ndim > 1) for w in network.weights]
  )
  num_kept = max(1, round(options.density * network.num_weights))
  num_sent = num_kept + np.count_nonzero(~is_kernel)

  def make_message(state):
    kept, values = tf.cond(
        state['is_pruned'],
        lambda: (
            sign_ops.pack_bits(state['is_kept']),
            tf.boolean_mask(state['weights'], state['is_kept']),
        ),
        lambda: (tf.zeros([0], tf.uint8), tf.zeros([0])),
    )
    return collections.OrderedDict(kept=kept, values=values)

  def decode(upload):
    # Saliencies of all weights, or the kept weights followed by nothing.
    padding = is_kernel.size - tf.size(upload)
    return tf.ensure_shape(tf.pad(upload, [[0, padding]]), is_kernel.shape)

  def prune(state, saliencies):
    salient = tf.math.top_k(tf.where(is_kernel, saliencies, -1), num_kept)
    is_kept = tf.tensor_scatter_nd_update(
        ~is_kernel, salient.indices[:, tf.newaxis], tf.fill([num_kept], True)
    )
    return tf.where(is_kept, state['weights'], 0), is_kept

  def take_mean(state, mean):
    weights = flat_weights.spread(mean[:num_sent], state['is_kept'])
    return weights, state['is_kept']

  def update_server(state, mean):
    new_weights, is_kept = tf.cond(
        state['is_pruned'],
        lambda: take_mean(state, mean),
        lambda: prune(state, mean),
    )
    new_state = collections.OrderedDict(
        weights=new_weights, is_kept=is_kept, is_pruned=tf.constant(True)
    )
    return new_state, collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=collections.OrderedDict(
              weights=np.concatenate([w.ravel() for w in network.weights]),
              is_kept=np.ones(is_kernel.size, bool),
              is_pruned=np.array(False),
          ),
          make_message=make_message,
          build_client=lambda: SparseClientWork(
              dense_network.build_model(task), options, network.weights
          ),
          aggregation_factory=means.DecodedMeanFactory(decode),
          update_server=update_server,
          layer_densities=collections.OrderedDict(
              (layer, options.density) for layer in network.layer_densities
          ),
          num_weights=network.num_weights,
          setup_message=np.int64(task.seed),
      ),
  )
