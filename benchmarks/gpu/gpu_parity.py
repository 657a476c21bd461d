"""The same round on two devices: how far apart are the results?

Sums are taken in another order on another device, so floats differ in their
last bits. FedAvg's weights stay as close. HideNseek's scores do not all: one
next to zero may cross it on one device alone, which changes a weight's sign and
with it the gradients of others. So it is the votes that are compared.
"""

import contextlib
from typing import Any, Dict, Iterator, Optional, Sequence

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from benchmarks import rounds
from tff_hidenseek.algorithms.hidenseek import ballot
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.algorithms.hidenseek import sign_mask_client
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
  """Turns TensorFloat-32 off: with it a GPU multiplies 10-bit mantissas."""
  config = tf.config.experimental
  was_enabled = config.tensor_float_32_execution_enabled()
  config.enable_tensor_float_32_execution(False)
  try:
    yield
  finally:
    config.enable_tensor_float_32_execution(was_enabled)


def use_device(device: str, client_threads: Optional[int] = 1) -> None:
  """Makes a device run the clients of TFF's computations from here on.

  Args:
    device: The device's name.
    client_threads: Clients to run at a time; None is the runtime's default.
  """
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads, [device])
  )


def run_one_round(
    devices: Sequence[str],
    model: str,
    algorithm: str,
    clients: rounds.Clients,
) -> list:
  """Runs the first round of one algorithm on every device.

  Args:
    devices: Names of devices.
    model: A name in `architectures.MODELS`.
    algorithm: A name in `registry.ALGORITHMS`.
    clients: For each client its images and labels.

  Returns:
    The algorithm's state at the server, as arrays: before the round, then after
    it for each device.
  """
  process = rounds.build_algorithm(model, algorithm).process
  data = rounds.make_tensors(clients)
  states = []
  for device in devices:
    use_device(device)
    with tf.device(device):
      initial = process.initialize()
      states.append(process.next(initial, data).state.algorithm)
  return [initial.algorithm, *states]


def compare_fed_avg(
    devices: Sequence[str], model: str, clients: rounds.Clients
) -> Dict[str, Any]:
  """Returns how far the weights of two devices are apart after a round.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    clients: For each client its images and labels.

  Returns:
    The largest difference of a weight between the devices, and the largest
    change of a weight in the round.
  """
  initial, first, second = run_one_round(devices, model, 'fed_avg', clients)
  return dict(
      weights=int(sum(x.size for x in first)),
      largest_change=_largest_difference(initial, first),
      largest_difference=_largest_difference(first, second),
  )


def _largest_difference(first, second) -> float:
  return float(max(np.abs(x - y).max() for x, y in zip(first, second)))


def compare_hidenseek(
    devices: Sequence[str], model: str, clients: rounds.Clients
) -> Dict[str, Any]:
  """Returns at how many weights two devices have other votes after a round.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    clients: For each client its images and labels.

  Returns:
    The number of kept weights, and the fraction of them whose new global scores
    are apart by more than rounding: there some client voted otherwise.
  """
  _, first, second = [
      state['scores']
      for state in run_one_round(devices, model, 'hidenseek', clients)
  ]
  differ = np.abs(first - second) > 1e-5
  return dict(
      kept_weights=int(first.size), voted_otherwise=float(differ.mean())
  )


@attrs.frozen(eq=False)
class TrainedClient:
  """What one client of HideNseek has after its local training.

  Attributes:
    moves: How far each score has moved, in units of `vote_range`: `float32[K]`.
    draws: What each move is compared with, in [-1, 1): `float32[K]`.
    votes: Whether the vote is up, `bool[K]`.
  """

  moves: np.ndarray
  draws: np.ndarray
  votes: np.ndarray


def train_client(
    device: str,
    task,
    options: hidenseek_options.HideNSeekOptions,
    network: pruned_network.PrunedNetwork,
    data,
) -> TrainedClient:
  """Trains one client on a device as a round does, and takes its votes.

  Args:
    device: The device's name.
    task: What is learned.
    options: The options, with votes of moves.
    network: The pruned network.
    data: The client's data.

  Returns:
    Its scores and votes.
  """
  code = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]
  initial = np.concatenate(list(network.initial_scores.values()))
  with tf.device(device):
    client = sign_mask_client.SignMaskClientWork(
        task, options, network, ballot.Ballot(initial.size, options, task)
    )
    client.round_num = tf.constant(0)
    layers = layer_sets.prunable_layers(client.model)
    purpose = random_seeds.Purpose

    @tf.function(autograph=False)
    def train():
      message = code.encode(tf.constant(initial))
      client.start(message, None)
      seeds = [
          random_seeds.client_seed(task.seed, kind, 0, data['client_id'])
          for kind in (purpose.SHUFFLE, purpose.VOTE)
      ]
      client.train(data, seeds[0])
      scores = tf.concat([layer.scores for layer in layers], axis=0)
      uniform = tf.random.stateless_uniform(
          scores.shape, seeds[1], alg=random_seeds.ALGORITHM
      )
      moves = scores - code.decode(message, initial.size)
      return (
          moves / options.vote_range,
          2 * uniform - 1,
          client.make_upload(seeds[1]),
      )

    moves, draws, upload = [tensor.numpy() for tensor in train()]
  votes = np.unpackbits(upload, count=initial.size, bitorder='little') > 0
  return TrainedClient(moves, draws, votes)


def compare_votes(
    devices: Sequence[str], model: str, client, distance: float
) -> Dict[str, Any]:
  """Returns how far apart one client's votes are on two devices.

  Args:
    devices: The names of two.
    model: A name in `architectures.MODELS`.
    client: The client's images and labels.
    distance: As for `summarize_votes`.

  Returns:
    See `summarize_votes`.
  """
  task = rounds.build_task(model)
  options = rounds.build_options('hidenseek')
  network = pruned_network.prune_network(task, options)
  (data,) = rounds.make_tensors([client])
  first, second = [
      train_client(device, task, options, network, data) for device in devices
  ]
  return summarize_votes(first, second, distance)


def summarize_votes(
    first: TrainedClient, second: TrainedClient, distance: float
) -> Dict[str, Any]:
  """Returns how two devices' trainings of one client compare.

  Args:
    first: The client on one device.
    second: The client on the other.
    distance: How far a draw and a move, on either device, must be apart for a
      vote that is certain, in units of `vote_range`.

  Returns:
    Whether the draws have the same bits; the fractions of votes that differ,
    that differ and should be certain, and that are not what move and draw say;
    and how far moves are apart, in units of `vote_range`.
  """
  differ = first.votes != second.votes
  distances = np.minimum(
      *[np.abs(client.draws - client.moves) for client in (first, second)]
  )
  wrong = [c.votes != (c.draws < c.moves) for c in (first, second)]
  apart = np.abs(first.moves - second.moves)
  return dict(
      votes=int(differ.size),
      same_draws=bool(np.array_equal(first.draws, second.draws)),
      differing_votes=float(differ.mean()),
      differing_certain_votes=float(np.mean(differ & (distances > distance))),
      votes_against_draw=float(np.mean(wrong)),
      median_move_difference=float(np.median(apart)),
      largest_move_difference=float(apart.max()),
  )
