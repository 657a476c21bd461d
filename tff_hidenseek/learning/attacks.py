"""Malicious clients: what some clients send in the place of an honest upload.

A malicious client trains as an honest one does, and then forges its upload: it
sends the opposite (`against`), noise (`random`), or what all malicious clients
have agreed on, the same in every round (`collude`). Its upload has the form of
an honest one, so the server cannot tell by that. Who is malicious is a constant
of the client's computation: the data and the message are as without.
"""

from typing import Any, Callable, List, Optional, Sequence, Tuple

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds

_option = options_lib.option
# From an upload, the server's message and the client's number to what is sent.
Forger = Callable[[Any, Any, tf.Tensor], Any]


@attrs.frozen(kw_only=True, slots=False)  # To be one of several bases.
class AttackOptions:
  """How many clients are malicious, and what they do."""

  malicious_fraction: float = _option(
      0.0,
      'Part of the clients that train, drawn once, who attack whenever they '
      'take part.',
      minimum=0,
      maximum=1,
  )
  attack: str = _option(
      'against',
      'What a malicious client sends: the opposite of its honest upload, '
      'noise, or what all malicious clients have agreed on.',
      choices=('against', 'random', 'collude'),
  )
  attack_scale: float = _option(
      10.0,
      'Size of a malicious update of weights in units of the honest one; votes '
      'have no size.',
      above=0,
  )


@attrs.frozen
class Adversary:
  """The malicious clients of a run.

  Attributes:
    clients: Their ids; none by default.
    attack: What they do, as in `AttackOptions`.
    scale: The size of a malicious update, as there.
  """

  clients: Tuple[int, ...] = ()
  attack: str = 'against'
  scale: float = 1.0


@attrs.frozen
class Ballot:
  """Which of all votes a round asks for.

  Attributes:
    num_all: How many votes there could be.
    select: Maps so many votes and the round's number, `int32[]`, to those that
      the round asks for.
  """

  num_all: int
  select: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def draw_adversary(
    options: AttackOptions, clients: Sequence[int], seed: int
) -> Adversary:
  """Draws who is malicious.

  Args:
    options: How many are, and what they do.
    clients: The clients that train.
    seed: The experiment's seed.
  """
  rng = np.random.Generator(
      np.random.Philox(key=[seed, random_seeds.Purpose.MALICIOUS])
  )
  count = round(options.malicious_fraction * len(clients))
  # The first of one order: a larger fraction adds to those of a smaller.
  chosen = rng.permutation(np.array(clients, np.int64))[:count]
  return Adversary(
      tuple(sorted(chosen.tolist())), options.attack, options.attack_scale
  )


def build_vote_forger(
    adversary: Adversary,
    seed: int,
    read: Callable[[Any], tf.Tensor],
    write: Callable[[tf.Tensor], Any],
    ballot: Optional[Ballot] = None,
) -> Optional[Forger]:
  """Builds what forges uploads of votes.

  Args:
    adversary: Who is malicious.
    seed: The experiment's seed.
    read: Maps an upload to its votes, `bool[K]`.
    write: Undoes it.
    ballot: Which of all votes that could be cast a round asks for; all by
      default.

  Returns:
    What makes an upload of an honest one; `None` where nobody is malicious.
  """

  def forge(upload: Any, message: Any, client_seed: tf.Tensor) -> Any:
    votes = read(upload)
    if adversary.attack == 'against':
      return write(tf.logical_not(votes))
    if adversary.attack == 'random':
      return write(_draw_bits(votes.shape, client_seed))
    if ballot is None:
      return write(_draw_bits(votes.shape, _agreed_seed(seed)))
    # Agreed is the vote for a weight, wherever a round's ballot has it.
    agreed = _draw_bits([ballot.num_all], _agreed_seed(seed))
    return write(ballot.select(agreed, message['round_num']))

  return _of_malicious(adversary, seed, forge)


def build_update_forger(
    adversary: Adversary,
    seed: int,
    read: Callable[[Any, Any], List[tf.Tensor]],
    write: Callable[[Any, List[tf.Tensor]], Any],
) -> Optional[Forger]:
  """Builds what forges uploads of trained weights.

  A forged update is `scale` times as large as the honest one: its opposite;
  Gaussian noise; or a step of one size for all weights, in a direction that the
  malicious clients have agreed on.

  Args:
    adversary: Who is malicious.
    seed: The experiment's seed.
    read: Maps the content of the server's message and an upload to the update,
      `float32` tensors.
    write: Maps that content and an update to the upload.

  Returns:
    As `build_vote_forger`.
  """

  def forge(upload: Any, message: Any, client_seed: tf.Tensor) -> Any:
    update = read(message['content'], upload)
    size = sum(part.shape.num_elements() for part in update)
    # Of equal size in the L2 norm, exactly or in expectation.
    root_mean_square = tf.linalg.global_norm(update) / np.float32(size**0.5)
    forged = []
    for place, part in enumerate(update):
      if adversary.attack == 'against':
        step = -part
      elif adversary.attack == 'random':
        step = root_mean_square * tf.random.stateless_normal(
            part.shape,
            random_seeds.fold_in(client_seed, place),
            alg=random_seeds.ALGORITHM,
        )
      else:
        agreed = random_seeds.fold_in(_agreed_seed(seed), place)
        signs = tf.where(_draw_bits(part.shape, agreed), 1.0, -1.0)
        step = root_mean_square * signs
      forged.append(adversary.scale * step)
    return write(message['content'], forged)

  return _of_malicious(adversary, seed, forge)


def _of_malicious(
    adversary: Adversary, seed: int, forge: Forger
) -> Optional[Forger]:
  """Returns what forges malicious clients' uploads and passes on others'."""
  if not adversary.clients:
    return None

  def send(upload: Any, message: Any, client_id: tf.Tensor) -> Any:
    client_seed = random_seeds.client_seed(
        seed, random_seeds.Purpose.ATTACK, message['round_num'], client_id
    )
    return tf.cond(
        tf.reduce_any(tf.equal(client_id, tf.constant(adversary.clients))),
        lambda: forge(upload, message, client_seed),
        lambda: upload,
    )

  return send


def _agreed_seed(seed: int) -> tf.Tensor:
  """Returns the seed of what malicious clients have agreed on, `int64[2]`."""
  return random_seeds.client_seed(
      seed, random_seeds.Purpose.ATTACK, tf.constant(-1), tf.constant(-1)
  )


def _draw_bits(shape: Any, seed: tf.Tensor) -> tf.Tensor:
  """Draws fair coins, `bool`."""
  uniform = tf.random.stateless_uniform(shape, seed, alg=random_seeds.ALGORITHM)
  return uniform < 0.5
