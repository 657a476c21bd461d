"""The choices of HideNseek."""

import attrs

from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import robust_aggregation
from tff_hidenseek.privacy import options as privacy_options
from tff_hidenseek.privacy import randomized_response
from tff_hidenseek.pruning import masks as masks_lib

_option = options_lib.option


@attrs.frozen(kw_only=True)
class HideNSeekOptions(
    privacy_options.NoisedTrainingOptions, robust_aggregation.RobustVoteOptions
):
  """Choices of the method."""

  density: float = _option(
      0.1,
      'Fraction of all kernels\' weights that pruning keeps.',
      above=0,
      maximum=1,
  )
  pruning: str = _option(
      'synflow',
      'How the kept weights are chosen: by synaptic saliency, or by a control '
      'that keeps as many in every layer.',
      choices=tuple(masks_lib.MASK_FNS),
  )
  pruning_iterations: int = _option(
      100,
      'In how many steps SynFlow prunes, each dropping the same fraction.',
      minimum=1,
  )
  kernel_distribution: str = _option(
      'ternary',
      'Frozen weights: all of one size in a layer, or Gaussian.',
      choices=('ternary', 'gaussian'),
  )
  kernel_gain: float = options_lib.kernel_gain_option()
  votes: str = _option(
      'moves',
      'What a client\'s bit says of a weight: the sign of its score, that sign '
      'drawn at random with a chance that grows with the score, or whether '
      'training moved the score up (drawn likewise).',
      choices=('signs', 'stochastic_signs', 'moves'),
  )
  vote_range: float = _option(
      0.1,
      'How far a score must move for its vote to be certain; a smaller move is '
      'voted for with a smaller chance (votes=moves).',
      above=0,
  )
  upload_coding: str = _option(
      'bits',
      'How votes travel: a bit each; or half a bit, sixteen drawn at once '
      'from words that the server knows too (relative-entropy coding against '
      'fair coins, for votes=moves and stochastic_signs).',
      choices=tuple(sign_votes.VOTE_CODINGS),
  )
  broadcast: str = vote_broadcasts.broadcast_option()
  weight_by_examples: bool = _option(
      False, 'Let a client\'s votes count by its number of examples.'
  )
  server_learning_rate: float = _option(
      0.3,
      'How far the server moves its scores by the mean vote (votes=moves), or '
      'towards it.',
      above=0,
  )
  layer_rates: str = _option(
      'inverse_scale',
      'Whether the server moves the scores of all layers equally far, or less '
      'where the frozen weights are larger, so that the weights change alike.',
      choices=('equal', 'inverse_scale'),
  )
  averaging_power: float = _option(
      8.0,
      'The global model has the signs of an average over rounds, in which '
      'round n counts (p + 1) / (p + n) with this p: 0 is the mean of all '
      'rounds, a large number the last round alone.',
      minimum=0,
  )
  personal_step: str = _option(
      'skew',
      'How far a client\'s own model goes from the global scores to those it '
      'trained: all the way, or the further the more uneven its classes are.',
      choices=('full', 'skew'),
  )
  private_layers: str = _option(
      '',
      'Layers, separated by commas, whose scores stay on the client and are '
      'never sent.',
  )
  votes_per_round: int = _option(
      0,
      'How many of the kept weights, drawn anew for each round from the seed, '
      'are voted on; 0 is all.',
      minimum=0,
  )
  vote_epsilon: float = _option(
      0.0,
      'Clients randomise each bit so that it is differentially private with '
      'this epsilon before it is sent; 0 is not. A round costs a client as '
      'much for each of its votes.',
      minimum=0,
      maximum=randomized_response.LARGEST_EPSILON,
  )
  secure_sum: bool = _option(
      False,
      'Votes are added up by TFF\'s secure sum, which shows the server no '
      'client\'s, and travel as numbers of the bits that it needs.',
  )
  client_optimizer: str = options_lib.client_optimizer_option('adam')
  client_learning_rate: float = options_lib.client_learning_rate_option(0.03)
  class_prior: bool = options_lib.class_prior_option(True)

  def __attrs_post_init__(self):
    super().__attrs_post_init__()
    is_private = self.vote_epsilon or self.is_central or self.secure_sum
    if self.votes == 'signs' and self.upload_coding != 'bits':
      raise ValueError(
          '`upload_coding` must be bits with votes=signs, since signs are not '
          f'drawn and take a bit each, found {self.upload_coding!r}.'
      )
    if self.upload_coding != 'bits' and (self.vote_epsilon or self.secure_sum):
      raise ValueError(
          '`upload_coding` must be bits with `vote_epsilon` or `secure_sum`, '
          'which randomise or add up the single votes, found '
          f'{self.upload_coding!r}.'
      )
    if self.vote_epsilon and self.is_central:
      raise ValueError(
          '`vote_epsilon` must be 0 where the server adds noise '
          '(`noise_multiplier` or `target_epsilon`): each is a guarantee by '
          f'itself, found {self.vote_epsilon:g}.'
      )
    if self.aggregation == 'trimmed' and self.is_central:
      raise ValueError(
          '`aggregation` must not be trimmed where the server adds noise '
          '(`noise_multiplier` or `target_epsilon`), since it needs the number '
          'of clients that came, which is not noised.'
      )
    if self.weight_by_examples and is_private:
      raise ValueError(
          '`weight_by_examples` must be False where votes are private '
          '(`vote_epsilon`, `noise_multiplier`, `target_epsilon` or '
          '`secure_sum`), found True: a client would send its number of '
          'examples in the clear, and weigh as much.'
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
