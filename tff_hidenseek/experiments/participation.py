"""Which clients a round draws, and which of them answer in time.

Time is simulated: a client's duration is drawn from the seed, in units of what
a client takes at the median, and has nothing to do with the machine. Whatever
runs the clients, the same seed draws and counts the same ones.
"""

import math
from typing import Callable, Optional, Sequence

import attrs
import numpy as np
import tensorflow_federated as tff

from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds

_option = options_lib.option
# Durations are log-normal: nine clients in ten take 0.44 to 2.3.
_SPREAD = 0.5


@attrs.frozen(kw_only=True, slots=False)  # To be one of several bases.
class ParticipationOptions:
  """How many clients a round draws, and how they may fail to answer."""

  clients_per_round: int = _option(
      10, 'Clients that are drawn for a round and counted.', minimum=1
  )
  client_sampling: str = _option(
      'fixed',
      'Whether a round draws exactly so many clients, or each client by a coin '
      'of its own, so that clients_per_round are drawn at the mean: the same '
      'privacy then takes less noise.',
      choices=('fixed', 'poisson'),
  )
  dropout_rate: float = _option(
      0.0,
      'Chance that a drawn client never answers.',
      minimum=0,
      maximum=0.99,
  )
  straggler_rate: float = _option(
      0.0,
      'Chance that a drawn client is slow: its simulated duration is '
      'straggler_slowdown times as long.',
      minimum=0,
      maximum=1,
  )
  straggler_slowdown: float = _option(
      10.0, 'How many times as long a straggler takes.', minimum=1
  )
  round_timeout: float = _option(
      0.0,
      'When a round ends at the latest, in units of the median duration of a '
      'client that is no straggler; the work of those not ready is lost. 0 is '
      'never: all who answer are waited for.',
      minimum=0,
  )
  over_selection: float = _option(
      0.0,
      'Clients that are drawn beyond clients_per_round, as a fraction of it; '
      'the first clients_per_round that answer are counted.',
      minimum=0,
  )

  def __attrs_post_init__(self):
    if self.is_poisson and self.over_selection:
      raise ValueError(
          '`over_selection` must be 0 with client_sampling=poisson, whose '
          f'rounds count all who answer, found {self.over_selection:g}.'
      )

  @property
  def is_poisson(self) -> bool:
    """Whether each client is drawn by a coin of its own."""
    return self.client_sampling == 'poisson'

  @property
  def num_drawn(self) -> int:
    """How many clients are drawn for a round."""
    wanted = self.clients_per_round * (1 + self.over_selection)
    return math.ceil(round(wanted, 6))


@attrs.frozen
class Participants:
  """The clients of one round, by their ids, each in the order of the draw.

  Attributes:
    counted: Those whose uploads the server counts.
    lost: Those that are sent the message and whose work is not counted.
    num_dropped: How many of the lost never answer.
    num_late: How many of the lost are not ready at the time-out. The rest of
      them answer in time, after enough others have.
    duration: When the server closes the round, in units of a client's median
      duration; `None` where no option asks for time.
  """

  counted: Sequence[int]
  lost: Sequence[int]
  num_dropped: int
  num_late: int
  duration: Optional[float]


def build_draw_fn(
    clients: Sequence[int], options: ParticipationOptions, seed: int
) -> Callable[[int], Participants]:
  """Returns a function from a round's number to its `Participants`.

  Args:
    clients: The clients that can be drawn.
    options: How many are, and how they fail.
    seed: The experiment's seed.
  """
  sample_fixed = tff.simulation.build_uniform_sampling_fn(
      clients, replace=False, random_seed=seed
  )

  def make_rng(purpose: int, round_num: int) -> np.random.Generator:
    return np.random.Generator(
        np.random.Philox(key=[seed, purpose], counter=[0, 0, 0, round_num])
    )

  def draw(round_num: int) -> Participants:
    if options.is_poisson:
      rng = make_rng(random_seeds.Purpose.SAMPLING, round_num)
      chance = options.clients_per_round / len(clients)
      coins = rng.random(len(clients)) < chance
      drawn = [client for client, is_drawn in zip(clients, coins) if is_drawn]
    else:
      drawn = [int(i) for i in sample_fixed(round_num, options.num_drawn)]
    return _await_answers(
        drawn,
        options,
        make_rng(random_seeds.Purpose.PARTICIPATION, round_num),
    )

  return draw


def _await_answers(
    drawn: Sequence[int],
    options: ParticipationOptions,
    rng: np.random.Generator,
) -> Participants:
  """Decides which of the drawn clients answer in time."""
  drops = rng.random(len(drawn)) < options.dropout_rate
  straggles = rng.random(len(drawn)) < options.straggler_rate
  durations = np.exp(_SPREAD * rng.standard_normal(len(drawn)))
  durations[straggles] *= options.straggler_slowdown
  is_late = ~drops & (durations > (options.round_timeout or np.inf))
  ready = np.flatnonzero(~drops & ~is_late)
  most = len(drawn) if options.is_poisson else options.clients_per_round
  first = ready[np.argsort(durations[ready])][:most]
  is_counted = np.zeros(len(drawn), bool)
  is_counted[first] = True
  return Participants(
      counted=[i for i, counts in zip(drawn, is_counted) if counts],
      lost=[i for i, counts in zip(drawn, is_counted) if not counts],
      num_dropped=int(drops.sum()),
      num_late=int(is_late.sum()),
      duration=_close(durations[first], options),
  )


def _close(
    durations: np.ndarray, options: ParticipationOptions
) -> Optional[float]:
  """Returns when the server closes a round that counts these durations."""
  if not (
      options.straggler_rate or options.round_timeout or options.over_selection
  ):
    return None
  if options.round_timeout and len(durations) < options.clients_per_round:
    return options.round_timeout
  # Without a time-out the server is taken to know who will never answer.
  return float(durations.max(initial=0))
