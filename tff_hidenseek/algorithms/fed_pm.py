"""FedPM (https://arxiv.org/abs/2209.15328): federated probabilistic masks.

The weights are random signed constants and stay frozen. A client trains, for
every weight, the probability that a Bernoulli mask keeps it, and uploads one
draw of the mask. The server's next probabilities are the mode of a Beta
posterior whose prior is reset every round.
"""

import collections
from typing import List

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.algorithms import masked_weights
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import means
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.learning import robust_aggregation
from tff_hidenseek.models import layer_sets

# A client's bit counts as 0.01 or 0.99, so that no probability becomes certain.
_DOUBT = 0.01


@attrs.frozen(kw_only=True)
class FedPMOptions(
    options_lib.LocalTrainingOptions, robust_aggregation.RobustVoteOptions
):
  """Choices of the method."""

  kernel_gain: float = options_lib.kernel_gain_option()
  client_optimizer: str = options_lib.client_optimizer_option('adam')
  client_learning_rate: float = options_lib.client_learning_rate_option(0.1)


class ProbabilisticMaskClientWork(masked_weights.MaskedWeightsClientWork):
  """Trains the probabilities of a mask: `sigmoid(scores)`."""

  def __init__(self, task, options, weights):
    super().__init__(task, options, weights)
    self._evaluation_seed = random_seeds.client_seed(
        task.seed, random_seeds.Purpose.MASK, 0, 0
    )
    self._num_steps = tf.Variable(0)
    self._probabilities = [tf.Variable(tf.zeros(w.shape)) for w in weights]

  def _draw_masks(self, seed: tf.Tensor) -> List[tf.Tensor]:
    """Draws a mask for every kernel, `bool`."""
    return [
        tf.random.stateless_uniform(
            p.shape, random_seeds.fold_in(seed, i), alg=random_seeds.ALGORITHM
        ) < p
        for i, p in enumerate(self._probabilities)
    ]

  def _assign_drawn_kernels(self, seed):
    self.assign_kernels(self._weights, self._draw_masks(seed))

  def start(self, message, client_state):
    del client_state
    flat_weights.assign(self._probabilities, message)
    flat_weights.assign(
        self.scores, tf.math.log(message) - tf.math.log1p(-message)
    )
    self._assign_drawn_kernels(self._evaluation_seed)

  def train(self, data, seed):
    # Negative, because the shuffles fold in the numbers of the epochs.
    self._step_seed = random_seeds.fold_in(
        seed, -int(random_seeds.Purpose.MASK)
    )
    self._num_steps.assign(0)
    self._assign_kernels_of_step()
    return super().train(data, seed)

  def personalize(self, data, seed):
    loss = self.train(data, seed)
    self._assign_drawn_kernels(self._evaluation_seed)
    return loss

  def after_step(self):
    for probabilities, scores in zip(self._probabilities, self.scores):
      probabilities.assign(tf.sigmoid(scores))
    self._num_steps.assign_add(1)
    self._assign_kernels_of_step()

  def _assign_kernels_of_step(self):
    self._assign_drawn_kernels(
        random_seeds.fold_in(self._step_seed, self._num_steps.read_value())
    )

  def route_gradients(self, gradients):
    return [
        tf.raw_ops.SigmoidGrad(y=p, dy=g * weight)
        for p, g, weight in zip(self._probabilities, gradients, self._weights)
    ]

  def make_upload(self, seed):
    return sign_ops.pack_bits(flat_weights.flatten(self._draw_masks(seed)))


def build_fed_pm(
    task: federated_algorithm.LearningTask, options: FedPMOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedPM.

  Args:
    task: What is learned.
    options: The method's choices.

  Returns:
    The algorithm.
  """
  weights = masked_weights.draw_signed_constants(task, options.kernel_gain)
  size = sum(w.size for w in weights)
  rng = np.random.Generator(
      np.random.Philox(key=[task.seed, random_seeds.Purpose.INITIAL_SCORES])
  )
  probabilities = 1 / (1 + np.exp(-rng.standard_normal(size)))

  def build_client():
    return ProbabilisticMaskClientWork(task, options, weights)

  def decode(upload):
    return tf.cast(sign_ops.unpack_bits(upload, size), tf.float32)

  rule = robust_aggregation.build_vote_rule(options)

  def refine(mean_mask, num_clients):
    # A bit is a vote for its weight or against it.
    return (rule(2 * mean_mask - 1, num_clients) + 1) / 2

  def update_server(state, mean_mask):
    del state
    # The mode (alpha - 1) / (alpha + beta - 2) for the prior alpha = beta = 1.
    probabilities = _DOUBT + (1 - 2 * _DOUBT) * mean_mask
    return probabilities, collections.OrderedDict()

  layers = layer_sets.prunable_layers(build_client().model)
  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=probabilities.astype(np.float32),
          make_message=lambda state: state,
          build_client=build_client,
          aggregation_factory=means.UnweightedDecodedMeanFactory(decode),
          refine_aggregate=rule and refine,
          forge_upload=attacks.build_vote_forger(
              task.adversary,
              task.seed,
              lambda upload: sign_ops.unpack_bits(upload, size),
              sign_ops.pack_bits,
          ),
          update_server=update_server,
          layer_densities={layer.name: 1.0 for layer in layers},
          num_weights=size,
          setup_message=np.int64(task.seed),
      ),
  )
