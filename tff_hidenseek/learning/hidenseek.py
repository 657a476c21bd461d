"""HideNseek (https://arxiv.org/abs/2206.04385), as this project reads it.

The server prunes a random network once, without data, by synaptic saliency. The
kept weights stay frozen; clients train a score for each, whose sign multiplies
the weight, and upload the signs. The server averages these votes.
"""

import collections
from typing import Mapping

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import losses
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import sign_votes
from tff_hidenseek.learning import vote_broadcasts
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import layer_sets
from tff_hidenseek.models import prunable_layers
from tff_hidenseek.models import seeded_network
from tff_hidenseek.pruning import masks as masks_lib

_option = options_lib.option


@attrs.frozen(kw_only=True)
class HideNSeekOptions(options_lib.LocalTrainingOptions):
  """Choices of the method.

  Attributes:
    density: Fraction of the kernels' weights that is kept, in (0, 1].
    pruning: Name of the mask's construction.
    pruning_iterations: Steps of the exponential schedule; 1 is one-shot.
    kernel_distribution: `ternary` (one magnitude a layer) or `gaussian`.
    kernel_gain: Standard deviation of a layer's output relative to He
      initialisation.
    score_init: Global scores before the first round: `uniform` in [-1, 1], or
      `positive`, all 1.
    score_scale: What a global score of 1 is on a client. Only its ratio to the
      client's learning rate matters: how many steps flip a sign.
    clipped_gradient: Whether a score beyond +-1 gets no gradient.
    votes: What a client's bits say: `signs`, the signs of its scores;
      `stochastic_signs`, signs drawn with the probabilities that its scores
      stand for; or `moves`, whether training moved its scores up or down.
    vote_range: The move that is voted for with certainty; a smaller one has the
      probability in proportion. Only for `moves`.
    broadcast: The code of the global scores on their way down.
    weight_by_examples: Whether a client counts by its number of examples.
    server_learning_rate: Step of the global scores: towards the mean vote, or
      for `moves`, by this times the mean vote.
    server_momentum: Momentum of that step.
    averaging_power: How fast the average forgets of which the global model has
      the signs: see `average_scores`. 0 is the mean of all rounds, a large
      number the newest scores alone.
    personal_step: How far a client's own model goes from the global scores to
      the ones it has trained: `full`, or by its label `skew`.
    private_layers: Comma-separated names of layers whose scores never leave the
      client.
  """

  density: float = _option(
      0.1, 'Fraction of the weights that is kept.', above=0, maximum=1
  )
  pruning: str = _option(
      'synflow',
      'How the kept weights are chosen.',
      choices=tuple(masks_lib.MASK_FNS),
  )
  pruning_iterations: int = _option(
      100, 'Steps of the pruning schedule; 1 is one-shot.', minimum=1
  )
  kernel_distribution: str = _option(
      'ternary',
      'Frozen weights: one magnitude a layer, or Gaussian.',
      choices=('ternary', 'gaussian'),
  )
  kernel_gain: float = _option(
      1.0, 'Scale of the frozen weights relative to He initialisation.', above=0
  )
  score_init: str = _option(
      'uniform', 'Global scores at the start.', choices=('uniform', 'positive')
  )
  score_scale: float = _option(
      0.1, 'What a global score of 1 is on a client.', above=0
  )
  clipped_gradient: bool = _option(
      False, 'Stop the gradient of scores beyond +-1.'
  )
  votes: str = _option(
      'moves',
      'What a bit up says.',
      choices=('signs', 'stochastic_signs', 'moves'),
  )
  vote_range: float = _option(
      0.1, 'The move of a score that is voted for with certainty.', above=0
  )
  broadcast: str = _option(
      'tally',
      'Code of the global scores on their way down.',
      choices=tuple(vote_broadcasts.VOTE_BROADCASTS),
  )
  weight_by_examples: bool = _option(
      False, 'Weight a client by its number of examples.'
  )
  server_learning_rate: float = _option(
      0.5, 'Step of the global scores towards the mean vote.', above=0
  )
  server_momentum: float = _option(
      0.0, 'Momentum of the global scores.', minimum=0, maximum=0.999
  )
  averaging_power: float = _option(
      8.0,
      'Power p of the average over rounds that is the global model: the newest '
      'scores weigh (p + 1) / (p + round).',
      minimum=0,
  )
  personal_step: str = _option(
      'skew',
      'How far a client goes from the global scores to its own: all the way, '
      'or by its label skew.',
      choices=('full', 'skew'),
  )
  private_layers: str = _option(
      '', 'Comma-separated layers whose scores never leave the client.'
  )
  client_optimizer: str = options_lib.client_optimizer_option('adam')
  client_learning_rate: float = options_lib.client_learning_rate_option(0.01)
  class_prior: bool = options_lib.class_prior_option(True)


def average_scores(average, scores, round_num, power: float):
  """Adds a round's scores to their polynomial-decay average.

  Votes are noisy, and the average over rounds is less so than the newest
  scores, while it forgets the first ones (Shamir & Zhang, ICML 2013).

  Args:
    average: The average over the rounds before, `float32[K]`.
    scores: The scores after this round, `float32[K]`.
    round_num: The number of this round, from 1.
    power: At least 0; see `HideNSeekOptions`.

  Returns:
    The average over all rounds, `float32[K]`.
  """
  return average + (power + 1) / (power + round_num) * (scores - average)


@attrs.frozen(eq=False)
class PrunedNetwork:
  """What the server fixes once.

  Attributes:
    masks: Which weights each layer keeps, `bool` arrays in the kernels' shapes.
    kept_positions: Flat indices of the kept weights, `int32[K_layer]`.
    kept_weights: The frozen weights there, `float32[K_layer]`.
    initial_scores: The scores before the first round, `float32[K_layer]`.
  """

  masks: Mapping[str, np.ndarray]
  kept_positions: Mapping[str, np.ndarray]
  kept_weights: Mapping[str, np.ndarray]
  initial_scores: Mapping[str, np.ndarray]

  @property
  def num_kept(self) -> collections.OrderedDict:
    """The number of kept weights of each layer."""
    return collections.OrderedDict(
        (name, kept.size) for name, kept in self.kept_positions.items()
    )


def network_options(
    options: HideNSeekOptions, seed: int
) -> seeded_network.NetworkOptions:
  """Returns what determines the pruned network among the options."""
  values = attrs.asdict(options)
  names = [field.name for field in attrs.fields(seeded_network.NetworkOptions)]
  return seeded_network.NetworkOptions(
      seed=seed, **{name: values[name] for name in names if name != 'seed'}
  )


def prune_network(
    task: federated_algorithm.LearningTask, options: HideNSeekOptions
) -> PrunedNetwork:
  """Draws the random network and prunes it, without data.

  Args:
    task: What is learned; its seed draws the network.
    options: Density, construction and schedule of the mask.

  Returns:
    The pruned network.

  Raises:
    ValueError: If a layer is left without a weight.
  """
  drawn = network_options(options, task.seed)
  shapes = kernel_shapes.kernel_shapes(task.build_model)
  kernels = seeded_network.draw_kernels(shapes, drawn)
  masks = seeded_network.draw_masks(task.build_model, kernels, drawn)
  positions = collections.OrderedDict(
      (name, np.flatnonzero(mask).astype(np.int32))
      for name, mask in masks.items()
  )
  return PrunedNetwork(
      masks=masks,
      kept_positions=positions,
      kept_weights=seeded_network.draw_kept_weights(kernels, masks, drawn),
      initial_scores=seeded_network.draw_initial_scores(
          {name: kept.size for name, kept in positions.items()}, drawn
      ),
  )


class SignMaskClientWork(client_work.GradientClientWork):
  """Trains the scores of a sign-masked model."""

  def __init__(
      self,
      task: federated_algorithm.LearningTask,
      options: HideNSeekOptions,
      network: PrunedNetwork,
  ):
    model = task.build_model(
        layer_sets.SignMaskedLayers(
            network.num_kept, clipped_gradient=options.clipped_gradient
        )
    )
    super().__init__(model, options)
    self._network = network
    self._layers = prunable_layers.prunable_layers(model)
    private = private_layer_names(options, [x.name for x in self._layers])
    self._shared = [x for x in self._layers if x.name not in private]
    self._private = [x for x in self._layers if x.name in private]

  def start(self, message, client_state):
    scale = self._options.score_scale
    sizes = [self._network.num_kept[layer.name] for layer in self._shared]
    broadcast = vote_broadcasts.VOTE_BROADCASTS[self._options.broadcast]
    scores = broadcast.decode(message, sum(sizes))
    layer_scores = dict(
        zip([layer.name for layer in self._shared], tf.split(scores, sizes)),
        **(client_state or {}),
    )
    self._received = {name: scale * x for name, x in layer_scores.items()}
    for layer in self._layers:
      layer.set_frozen(
          self._network.kept_positions[layer.name],
          self._network.kept_weights[layer.name],
          self._received[layer.name],
      )

  def after_step(self):
    for layer in self._layers:
      layer.update_kernel()

  def personalize(self, data, seed):
    loss = self.train(data, seed)
    if self._options.personal_step == 'skew':
      num_classes = self.model.output_shape[-1]
      skew = losses.label_skew(losses.log_class_prior(data['y'], num_classes))
      for layer in self._layers:
        received = self._received[layer.name]
        layer.assign_scores(received + skew * (layer.scores - received))
    return loss

  def make_upload(self, seed):
    options = self._options
    scores = tf.concat([layer.scores for layer in self._shared], axis=0)
    if options.votes == 'signs':
      return sign_votes.cast_votes(scores)
    if options.votes == 'moves':
      received = [self._received[layer.name] for layer in self._shared]
      scores = (scores - tf.concat(received, axis=0)) / options.vote_range
    return sign_votes.cast_votes(scores / options.score_scale, seed)

  def make_client_state(self):
    if not self._private:
      return ()
    return collections.OrderedDict(
        (layer.name, layer.scores / self._options.score_scale)
        for layer in self._private
    )


def private_layer_names(options: HideNSeekOptions, layer_names) -> list:
  """Returns the names in `private_layers`; raises `ValueError` on another."""
  names = [name for name in options.private_layers.split(',') if name]
  for name in names:
    if name not in layer_names:
      raise ValueError(
          f'`private_layers` must name layers of {", ".join(layer_names)}, '
          f'found {name!r}.'
      )
  if names and set(names) == set(layer_names):
    raise ValueError(
        '`private_layers` must leave a layer to be shared, found all of '
        f'{", ".join(layer_names)}.'
    )
  return names


def build_hidenseek(
    task: federated_algorithm.LearningTask, options: HideNSeekOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds HideNseek.

  Args:
    task: What is learned.
    options: The method's choices.

  Returns:
    The algorithm; its process is a `tff.learning.templates.LearningProcess`
    unless there are private layers.

  Raises:
    ValueError: If pruning empties a layer, or a private layer does not exist.
  """
  network = prune_network(task, options)
  private = private_layer_names(options, list(network.num_kept))
  initial = collections.OrderedDict(network.initial_scores)
  initial_private = collections.OrderedDict(
      (name, initial.pop(name)) for name in list(initial) if name in private
  )
  scores = np.concatenate(list(initial.values()))
  broadcast = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]

  def update_server(state, mean_vote):
    step = mean_vote
    if options.votes == 'moves':
      step *= options.vote_range
    else:
      step -= state['scores']
    velocity = options.server_momentum * state['velocity'] + step
    new_scores = tf.clip_by_value(
        state['scores'] + options.server_learning_rate * velocity, -1, 1
    )
    flips = tf.math.count_nonzero(
        tf.not_equal(new_scores >= 0, state['scores'] >= 0)
    )
    num_rounds = state['num_rounds'] + 1
    new_state = collections.OrderedDict(
        scores=new_scores,
        velocity=velocity,
        average=average_scores(
            state['average'], new_scores, num_rounds, options.averaging_power
        ),
        num_rounds=num_rounds,
    )
    return new_state, collections.OrderedDict(sign_flips=flips)

  if options.weight_by_examples:
    factory = sign_votes.SignVoteMeanFactory(scores.size)
  else:
    factory = sign_votes.UnweightedSignVoteMeanFactory(scores.size)
  return federated_algorithm.build_federated_algorithm(
      task,
      initial_state=collections.OrderedDict(
          scores=scores,
          velocity=np.zeros_like(scores),
          average=scores,
          num_rounds=np.float32(0),
      ),
      make_message=lambda state: broadcast.encode(state['scores']),
      make_final_message=lambda state: broadcast.encode(state['average']),
      build_client=lambda: SignMaskClientWork(task, options, network),
      aggregation_factory=factory,
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
  )
