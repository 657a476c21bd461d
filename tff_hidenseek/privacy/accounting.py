"""How much privacy a run spends, by dp-accounting's events and accountant.

Rényi accounting throughout: of dp-accounting 0.6.0 it is the one that composes
randomised response (its `PLDAccountant` counts many of them as one) and
sampling without replacement, and it takes no minutes. Nothing here needs
TensorFlow.
"""

import math

import attrs
import dp_accounting
from dp_accounting import rdp

from tff_hidenseek.learning import client_sampling

_NEIGHBORS = dp_accounting.NeighboringRelation
# Whole orders alone: there a Gaussian that is sampled has a divergence that is
# a sum of those of the Gaussian, which the discrete Gaussian never exceeds.
_WHOLE_ORDERS = (*range(2, 33), 40, 48, 64, 96, 128, 300, 600)
# Between these a noise multiplier is looked for.
_NOISE_MULTIPLIERS = (0.05, 1e6)


@attrs.frozen
class RandomizedVotes:
  """Local privacy: the server sees a client's bits after randomised response.

  Attributes:
    vote_epsilon: The budget of a bit.
    num_votes: How many bits a client sends in a round.
  """

  vote_epsilon: float
  num_votes: int

  def epsilon(self, num_rounds: int, delta: float) -> float:
    """Returns what a client has spent that took part in so many rounds.

    Neighbours are any two data sets of the client: all that it has may differ.

    Args:
      num_rounds: In how many rounds it sent votes.
      delta: The chance that is left out, above 0.
    """
    # Its event flips by drawing one of the two buckets.
    event = dp_accounting.RandomizedResponseDpEvent(
        noise_parameter=2 / (1 + math.exp(self.vote_epsilon)), num_buckets=2
    )
    accountant = rdp.RdpAccountant(neighboring_relation=_NEIGHBORS.REPLACE_ONE)
    accountant.compose(event, num_rounds * self.num_votes)
    return float(accountant.get_epsilon(delta))


@attrs.frozen
class NoisedSums:
  """Central privacy: the server adds Gaussian noise to the clients' sum.

  Attributes:
    noise_multiplier: The noise's standard deviation over the most that a client
      adds to the sum, in the L2 norm.
    sampling: How a round's clients are drawn.
  """

  noise_multiplier: float
  sampling: client_sampling.ClientSampling

  def epsilon(self, num_rounds: int, delta: float) -> float:
    """Returns what has been spent after so many rounds, for every client.

    Neighbours are two federations that differ in one client and all its data:
    one has it and the other has not, where sampling is Poisson; else it has
    other data in one than in the other, which moves the sum twice as far.

    Args:
      num_rounds: The rounds that were run.
      delta: The chance that is left out, above 0.
    """
    accountant = _new_accountant(self.sampling)
    accountant.compose(self.round_event, num_rounds)
    return float(accountant.get_epsilon(delta))

  @property
  def round_event(self) -> dp_accounting.DpEvent:
    """What happens to a client's privacy in one round."""
    sampling = self.sampling
    if sampling.is_poisson:
      return dp_accounting.PoissonSampledDpEvent(
          sampling.clients_per_round / sampling.num_clients,
          dp_accounting.GaussianDpEvent(self.noise_multiplier),
      )
    return dp_accounting.SampledWithoutReplacementDpEvent(
        sampling.num_clients,
        sampling.clients_per_round,
        dp_accounting.GaussianDpEvent(self.noise_multiplier / 2),
    )


def find_noise_multiplier(
    sampling: client_sampling.ClientSampling,
    num_rounds: int,
    target_epsilon: float,
    target_delta: float,
) -> float:
  """Returns the least noise multiplier with which a run keeps its budget.

  Args:
    sampling: How a round's clients are drawn.
    num_rounds: The rounds of the whole run.
    target_epsilon: The budget, above 0.
    target_delta: The chance that is left out, above 0.

  Raises:
    ValueError: If no noise multiplier from 0.05 to a million does.
  """

  def make_event(logarithm: float) -> dp_accounting.DpEvent:
    return dp_accounting.SelfComposedDpEvent(
        NoisedSums(math.exp(logarithm), sampling).round_event, num_rounds
    )

  try:
    # Noise multipliers differ in size: their logarithms are bisected.
    logarithm = dp_accounting.calibrate_dp_mechanism(
        lambda: _new_accountant(sampling),
        make_event,
        target_epsilon,
        target_delta,
        dp_accounting.ExplicitBracketInterval(
            *(math.log(bound) for bound in _NOISE_MULTIPLIERS)
        ),
        tol=1e-3,
    )
  except ValueError as error:
    least, most = (
        NoisedSums(bound, sampling).epsilon(num_rounds, target_delta)
        for bound in reversed(_NOISE_MULTIPLIERS)
    )
    raise ValueError(
        '`target_epsilon` must be one that noise can give: over '
        f'{num_rounds} rounds between {least:.3g} and {most:.3g}, found '
        f'{target_epsilon:g}.'
    ) from error
  return math.exp(logarithm)


def _new_accountant(
    sampling: client_sampling.ClientSampling,
) -> rdp.RdpAccountant:
  return rdp.RdpAccountant(
      _WHOLE_ORDERS,
      _NEIGHBORS.ADD_OR_REMOVE_ONE
      if sampling.is_poisson
      else _NEIGHBORS.REPLACE_ONE,
  )
