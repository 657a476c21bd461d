"""HideNseek (https://arxiv.org/abs/2206.04385), as this project reads it.

The server prunes a random network once, without data, by synaptic saliency. The
kept weights stay frozen; clients train a score for each, whose sign multiplies
the weight, and upload one bit: by default whether the score moved up or down,
as published (`--votes=signs`) its sign. The server averages these votes.
"""

import collections

import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import ballot as ballot_lib
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.algorithms.hidenseek import sign_mask_client
from tff_hidenseek.algorithms.hidenseek import sign_mask_cohort
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.models import seeded_network


def average_scores(average, scores, round_num, power: float):
  """Adds a round's scores to their polynomial-decay average.

  Votes are noisy, and the average over rounds is less so than the newest
  scores, while it forgets the first ones (Shamir & Zhang, ICML 2013).

  Args:
    average: The average over the rounds before, `float32[K]`.
    scores: The scores after this round, `float32[K]`.
    round_num: The number of this round, from 1.
    power: At least 0; see `hidenseek_options`.

  Returns:
    The average over all rounds, `float32[K]`.
  """
  return average + (power + 1) / (power + round_num) * (scores - average)


def update_state(
    state,
    mean_vote,
    layer_rates,
    options: hidenseek_options.HideNSeekOptions,
    chosen=None,
) -> collections.OrderedDict:
  """Returns the algorithm's state after a round.

  Args:
    state: The state before, as tensors: the `scores` and their `average`,
      `float32[K]` in [-1, 1], and the `num_rounds` until then, `float32[]`.
    mean_vote: The clients' mean vote on each score of the ballot, `float32`; in
      [-1, 1], unless votes or their sum are noisy.
    layer_rates: The rate of each score's layer, `float32[K]` or a number.
    options: What the votes say, the server's learning rate and averaging power.
    chosen: The places of the scores that were voted on, `int32`; `None` for
      all. The others stay as they are.

  Returns:
    The state after it.
  """
  scores = state['scores']
  step = mean_vote
  if options.votes != 'moves':
    step -= scores if chosen is None else tf.gather(scores, chosen)
  if chosen is not None:
    step = tf.tensor_scatter_nd_update(
        tf.zeros_like(scores), chosen[:, tf.newaxis], step
    )
  step *= options.server_learning_rate * layer_rates
  scores = tf.clip_by_value(scores + step, -1, 1)
  num_rounds = state['num_rounds'] + 1
  average = average_scores(
      state['average'], scores, num_rounds, options.averaging_power
  )
  return collections.OrderedDict(
      scores=scores, average=average, num_rounds=num_rounds
  )


def build_hidenseek(
    task: federated_algorithm.LearningTask,
    options: hidenseek_options.HideNSeekOptions,
) -> federated_algorithm.FederatedAlgorithm:
  """Builds HideNseek.

  Args:
    task: What is learned.
    options: The method's choices.

  Returns:
    The algorithm; its process is a `tff.learning.templates.LearningProcess`
    unless there are private layers.

  Raises:
    ValueError: If pruning empties a layer, a private layer does not exist, a
      client is malicious whose votes do not travel as bits, or the options ask
      for what the task cannot give (see `ballot`).
  """
  if task.adversary.clients and options.upload_coding != 'bits':
    raise ValueError(
        '`upload_coding` must be bits where clients are malicious, found '
        f'{options.upload_coding!r}: words are drawn, and say what they can.'
    )
  network = pruned_network.prune_network(task, options)
  private = hidenseek_options.private_layer_names(
      options, list(network.num_kept)
  )
  initial = collections.OrderedDict(network.initial_scores)
  initial_private = collections.OrderedDict(
      (name, initial.pop(name)) for name in list(initial) if name in private
  )
  scores = np.concatenate(list(initial.values()))
  ballot = ballot_lib.Ballot(scores.size, options, task)
  broadcast = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]
  rates = pruned_network.layer_rates(network.masks)
  if options.layer_rates == 'equal':
    rates = dict.fromkeys(rates, 1.0)

  def update_server(state, mean_vote):
    sizes = [layer.size for layer in initial.values()]
    layer_rates = tf.repeat(
        tf.constant([rates[name] for name in initial]), sizes
    )
    chosen = ballot.choose(tf.cast(state['num_rounds'], tf.int32))
    new_state = update_state(state, mean_vote, layer_rates, options, chosen)
    flipped = tf.not_equal(new_state['scores'] >= 0, state['scores'] >= 0)
    return new_state, collections.OrderedDict(
        sign_flips=tf.math.count_nonzero(flipped),
        **{
            f'flipped_{name}': tf.reduce_mean(tf.cast(layer, tf.float32))
            for name, layer in zip(initial, tf.split(flipped, sizes))
        },
    )

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=collections.OrderedDict(
              scores=scores,
              average=scores,
              num_rounds=np.float32(0),
          ),
          make_message=lambda state: broadcast.encode(state['scores']),
          make_final_message=lambda state: broadcast.encode(state['average']),
          build_client=lambda: sign_mask_client.SignMaskClientWork(
              task, options, network, ballot
          ),
          build_cohort_work=lambda: sign_mask_cohort.SignMaskCohortWork(
              task, options, network, ballot
          ),
          aggregation_factory=ballot.build_aggregation(),
          refine_aggregate=ballot.build_refinement(),
          forge_upload=attacks.build_vote_forger(
              task.adversary,
              task.seed,
              ballot.read_bits,
              ballot.write_bits,
              attacks.Ballot(scores.size, ballot.select),
          ),
          update_server=update_server,
          layer_densities=collections.OrderedDict(
              (name, float(mask.mean())) for name, mask in network.masks.items()
          ),
          num_weights=sum(mask.size for mask in network.masks.values()),
          initial_client_state=initial_private or None,
          setup_message=collections.OrderedDict(
              seed=np.int64(task.seed),
              mask_sha256=seeded_network.hash_masks(network.masks),
          ),
          mechanism=ballot.mechanism,
      ),
  )
