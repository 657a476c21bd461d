"""What the clients of a cohort do in HideNseek, all of them at once."""

from typing import Any

import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import ballot as ballot_lib
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import cohort_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import losses
from tff_hidenseek.models import client_axis


class SignMaskCohortWork(cohort_work.CohortWork):
  """Trains scores: what `SignMaskClientWork` does without private layers."""

  def __init__(
      self,
      task: federated_algorithm.LearningTask,
      options: hidenseek_options.HideNSeekOptions,
      network: pruned_network.PrunedNetwork,
      ballot: ballot_lib.Ballot,
  ):
    layers = client_axis.ClientAxisLayers(use_bias=False)
    super().__init__(task.build_model(layers), options)
    self._network = network
    self._ballot = ballot

  def start(self, message):
    sizes = list(self._network.num_kept.values())
    broadcast = vote_broadcasts.VOTE_BROADCASTS[self._options.broadcast]
    self._received = tf.split(broadcast.decode(message, sum(sizes)), sizes)
    return self._received

  def make_weights(self, trained):
    network = self._network
    return [
        make_kernels(
            scores,
            network.kept_positions[name],
            network.kept_weights[name],
            mask.shape,
        )
        for scores, (name, mask) in zip(trained, network.masks.items())
    ]

  def personalize(self, trained, log_prior):
    if self._options.personal_step != 'skew':
      return trained
    skew = losses.label_skew(log_prior)[:, tf.newaxis]
    return [
        received + skew * (scores - received)
        for scores, received in zip(trained, self._received)
    ]

  def make_uploads(self, trained, seeds, round_num):
    options = self._options
    scores = tf.concat(trained, axis=1)
    if options.votes == 'moves':
      received = tf.concat(self._received, axis=0)
      scores = (scores - received) / options.vote_range
    return self._ballot.fill_in_all(scores, seeds, round_num)

  def read_uploads(self, read_upload, uploads):
    if self._ballot.has_plain_bits:
      return self._ballot.read_all(uploads)
    return super().read_uploads(read_upload, uploads)


def make_kernels(
    scores: tf.Tensor, kept_positions: Any, kept_weights: Any, shape: Any
) -> tf.Tensor:
  """Makes each client's kernel from its scores.

  A kernel is gathered, zeros and all: a GPU does that much faster than it
  scatters. The gradient goes straight through the sign.

  Args:
    scores: `float32[clients, K]`.
    kept_positions: Ascending flat indices, `int[K]`.
    kept_weights: The frozen weights there, `float32[K]`.
    shape: The shape of a kernel.

  Returns:
    `float32[clients, *shape]`.
  """
  kept_weights = tf.constant(kept_weights, tf.float32)
  num_kept = len(kept_positions)
  # 64 bits stay on a GPU. The last place has a zero for what is pruned.
  places = np.full(np.prod(shape), num_kept, np.int64)
  places[kept_positions] = np.arange(num_kept)

  @tf.custom_gradient
  def make(scores):
    signed = kept_weights * sign_ops.binary_sign(scores)
    kernels = tf.gather(tf.pad(signed, [[0, 0], [0, 1]]), places, axis=1)

    def gradient(upstream):
      flat = tf.reshape(upstream, [-1, places.size])
      kept = tf.gather(flat, tf.constant(kept_positions, tf.int64), axis=1)
      return kept * kept_weights

    return tf.reshape(kernels, [-1, *shape]), gradient

  return make(scores)
