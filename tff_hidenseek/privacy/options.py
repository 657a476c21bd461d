"""The options of algorithms whose server adds noise to the clients' sum."""

import attrs

from tff_hidenseek.learning import options as options_lib

_option = options_lib.option


@attrs.frozen(kw_only=True)
class NoisedTrainingOptions(options_lib.LocalTrainingOptions):
  """How clients train, and how much noise the server adds."""

  noise_multiplier: float = _option(
      0.0,
      'Standard deviation of the noise that the server adds to the sum of the '
      'clients\' uploads, over the largest norm of one: differential privacy '
      'of each client. 0 is no noise.',
      minimum=0,
  )
  target_epsilon: float = _option(
      0.0,
      'Take the noise_multiplier with which the whole run, of num_rounds, is '
      '(target_epsilon, target_delta) differentially private; 0 is '
      'noise_multiplier.',
      minimum=0,
  )
  target_delta: float = _option(
      1e-5,
      'The delta of every epsilon that is reported or asked for; it should be '
      'well below one over the number of clients.',
      above=0,
      maximum=0.1,
  )

  @property
  def is_central(self) -> bool:
    """Whether the server adds noise."""
    return self.noise_multiplier > 0 or self.target_epsilon > 0

  def __attrs_post_init__(self) -> None:
    if self.noise_multiplier and self.target_epsilon:
      raise ValueError(
          '`noise_multiplier` must be 0 where `target_epsilon` finds it, found '
          f'{self.noise_multiplier:g} and {self.target_epsilon:g}.'
      )

  def check_noise_is_found(self) -> None:
    """Raises `ValueError` where nobody has found the noise of a target."""
    if self.target_epsilon:
      raise ValueError(
          '`target_epsilon` must be 0 where an algorithm is built, found '
          f'{self.target_epsilon:g}: `privacy.accounting` finds the '
          '`noise_multiplier` of a run.'
      )
