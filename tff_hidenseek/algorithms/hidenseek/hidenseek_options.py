"""The choices of HideNseek."""

import attrs

from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import options as options_lib
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
    votes: What a client's bits say: `signs`, the signs of its scores;
      `stochastic_signs`, signs drawn with the probabilities that its scores
      stand for; or `moves`, whether training moved its scores up or down.
    vote_range: The move that is voted for with certainty; a smaller one has the
      probability in proportion. Only for `moves`.
    broadcast: The code of the global scores on their way down.
    weight_by_examples: Whether a client counts by its number of examples.
    server_learning_rate: Step of the global scores: towards the mean vote, or
      for `moves`, by this times the mean vote. At `vote_range` the scores then
      move, but for the noise of votes, as the clients' mean score does.
    layer_rates: Whether the step is `equal` in all layers, or in proportion to
      the `inverse_scale` of a layer's frozen weights.
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
  kernel_gain: float = options_lib.kernel_gain_option()
  votes: str = _option(
      'moves',
      'What a bit up says.',
      choices=('signs', 'stochastic_signs', 'moves'),
  )
  vote_range: float = _option(
      0.1, 'The move of a score that is voted for with certainty.', above=0
  )
  broadcast: str = vote_broadcasts.broadcast_option()
  weight_by_examples: bool = _option(
      False, 'Weight a client by its number of examples.'
  )
  server_learning_rate: float = _option(
      0.3, 'Step of the global scores with the mean vote.', above=0
  )
  layer_rates: str = _option(
      'inverse_scale',
      'Step of a layer: the same in all, or the larger the smaller its weights '
      'are.',
      choices=('equal', 'inverse_scale'),
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
  client_learning_rate: float = options_lib.client_learning_rate_option(0.03)
  class_prior: bool = options_lib.class_prior_option(True)


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
