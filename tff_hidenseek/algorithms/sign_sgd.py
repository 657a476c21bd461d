"""signSGD with majority vote (https://arxiv.org/abs/1810.05291).

A client uploads the sign of its update, one bit a weight; the server moves
every weight by a fixed step in the direction of the majority.
"""

import collections
import math

import attrs
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import philox
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.learning import robust_aggregation


@attrs.frozen(kw_only=True)
class SignSgdOptions(
    options_lib.LocalTrainingOptions, robust_aggregation.RobustVoteOptions
):
  """Choices of the method."""

  server_learning_rate: float = options_lib.option(
      0.005,
      'How far the server moves a weight in the direction of the majority.',
      above=0,
  )


def find_signs(update: tf.Tensor, coins: tf.Tensor) -> tf.Tensor:
  """Returns votes on updates, `bool`: `True` is +1.

  A weight that did not move, such as that of a pixel which is always black,
  must not drift: its votes are fair coins.

  Args:
    update: The updates, `float32`.
    coins: Draws from [0, 1) in that shape.
  """
  return tf.where(tf.equal(update, 0), coins < 0.5, update > 0)


class SignClientWork(fed_avg.UpdateClientWork):
  """Trains all weights and uploads the signs of the update."""

  def make_upload(self, seed):
    update = flat_weights.flatten(super().make_upload(seed))
    coins = tf.random.stateless_uniform(
        tf.shape(update), seed, alg=random_seeds.ALGORITHM
    )
    return sign_ops.pack_bits(find_signs(update, coins))


class SignCohortWork(fed_avg.DenseCohortWork):
  """What `SignClientWork` does, of all clients at once."""

  def make_uploads(self, trained, seeds, round_num):
    del round_num
    update = tf.concat(
        [
            tf.reshape(x - y, [-1, math.prod(y.shape)])
            for x, y in zip(trained, self._received)
        ],
        axis=1,
    )
    coins = philox.draw_uniform(seeds, update.shape[1])
    return sign_ops.pack_rows(find_signs(update, coins))

  def read_uploads(self, read_upload, uploads):
    size = sum(math.prod(x.shape) for x in self._received)
    return sign_votes.read_votes(uploads, size)


def build_sign_sgd(
    task: federated_algorithm.LearningTask, options: SignSgdOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds signSGD with majority vote from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the server's step.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)

  def update_server(state, mean_vote):
    step = options.server_learning_rate * tf.sign(mean_vote)
    return flat_weights.add(state, step), collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda state: state,
          build_client=lambda: SignClientWork(
              dense_network.build_model(task), options
          ),
          build_cohort_work=lambda: SignCohortWork(task, options),
          aggregation_factory=sign_votes.UnweightedSignVoteMeanFactory(
              network.size
          ),
          refine_aggregate=robust_aggregation.build_vote_rule(options),
          forge_upload=attacks.build_vote_forger(
              task.adversary,
              task.seed,
              lambda upload: sign_ops.unpack_bits(upload, network.size),
              sign_ops.pack_bits,
          ),
          update_server=update_server,
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
      ),
  )
