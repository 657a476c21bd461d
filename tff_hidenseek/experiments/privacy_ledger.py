"""What the clients of a run have spent of their privacy, round by round."""

import collections
from typing import Any, Callable, List, Optional

import attrs

from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import participation
from tff_hidenseek.learning import client_sampling


def describe_sampling(
    config, federation: federation_lib.Federation
) -> client_sampling.ClientSampling:
  """Returns how an experiment draws the clients of a round."""
  return client_sampling.ClientSampling(
      num_clients=len(federation.seen_clients),
      clients_per_round=config.clients_per_round,
      is_poisson=config.is_poisson,
  )


def find_noise(config, sampling: client_sampling.ClientSampling) -> Any:
  """Returns an algorithm's options with the noise that keeps its budget.

  Args:
    config: The experiment.
    sampling: How it draws the clients of a round.

  Returns:
    Its options; where they have a `target_epsilon`, with the `noise_multiplier`
    for the whole run in its place.

  Raises:
    ValueError: If no noise keeps the budget.
  """
  if not getattr(config.options, 'target_epsilon', 0):
    return config.options
  # dp-accounting takes a second to be imported.
  from tff_hidenseek.privacy import accounting  # pylint: disable=g-import-not-at-top

  return attrs.evolve(
      config.options,
      target_epsilon=0.0,
      noise_multiplier=accounting.find_noise_multiplier(
          sampling,
          config.num_rounds,
          config.options.target_epsilon,
          config.options.target_delta,
      ),
  )


class PrivacyLedger:
  """The accounts of a run; the draws of its rounds are made again for them."""

  def __init__(
      self,
      config,
      mechanism: Any,
      draw: Callable[[int], participation.Participants],
  ):
    """Opens the accounts.

    Args:
      config: The `ExperimentConfig`.
      mechanism: That of the algorithm: `None`, or as in `privacy.accounting`.
      draw: From a round's number to its clients. One that was drawn counts,
        whether or not the server counts its upload.
    """
    self._config = config
    self._mechanism = mechanism
    self._draw = draw
    self._counts = collections.Counter()
    self._num_counted = 0

  @property
  def _is_local(self) -> bool:
    return hasattr(self._mechanism, 'vote_epsilon')

  def epsilon(self, round_num: int) -> Optional[float]:
    """Returns what has been spent after a round; `None` if nothing is private.

    With votes that clients randomise, it is the epsilon of the client that has
    taken part the most often.

    Args:
      round_num: The round's number, from 1; not below that of an earlier call.
    """
    if self._mechanism is None:
      return None
    times = round_num
    if self._is_local:
      times = self._most_participations(round_num)
    return self._mechanism.epsilon(times, self._config.options.target_delta)

  def _most_participations(self, round_num):
    while self._num_counted < round_num:
      self._num_counted += 1
      drawn = self._draw(self._num_counted)
      self._counts.update([*drawn.counted, *drawn.lost])
    return max(self._counts.values(), default=0)

  def describe(self) -> List[str]:
    """Returns lines for people about what the run promises."""
    if self._mechanism is None:
      return []
    config, mechanism = self._config, self._mechanism
    delta = config.options.target_delta
    one = mechanism.epsilon(1, delta)
    if self._is_local:
      whole_run = PrivacyLedger(config, mechanism, self._draw)
      most = whole_run._most_participations(config.num_rounds)
      return [
          f'local differential privacy: {mechanism.num_votes} votes of a '
          f'client in a round, each with epsilon {mechanism.vote_epsilon:g}',
          f'  epsilon of a client at delta {delta:g}: {one:.4g} a round, '
          f'{mechanism.epsilon(most, delta):.4g} after {most} of '
          f'{config.num_rounds} rounds, the most that one takes part in',
      ]
    num_clients = mechanism.sampling.num_clients
    warning = []
    if delta >= 1 / num_clients:
      warning = [
          f'  warning: `target_delta` should be well below 1 / {num_clients} '
          f'clients, found {delta:g}'
      ]
    return [
        'central differential privacy of each client: the sum has noise of '
        f'{mechanism.noise_multiplier:.4g} times the norm of one upload',
        f'  epsilon at delta {delta:g}: {one:.4g} after 1 round, '
        f'{mechanism.epsilon(config.num_rounds, delta):.4g} after '
        f'{config.num_rounds}',
        *warning,
    ]
