"""Rounds of HideNseek, written a second time: NumPy and float64."""

import numpy as np
import tensorflow as tf

from tests.learning import numpy_reference
from tests.learning import tiny_task
from tff_hidenseek.learning import random_seeds


def _draw_orders(seed, data, round_num, num_epochs):
  """Returns the order of a client's examples in each epoch."""
  seed = random_seeds.client_seed(
      seed, random_seeds.Purpose.SHUFFLE, round_num, data['client_id']
  )
  return [
      tf.random.experimental.stateless_shuffle(
          tf.range(len(data['y'])),
          random_seeds.fold_in(seed, epoch),
          alg=random_seeds.ALGORITHM,
      ).numpy()
      for epoch in range(num_epochs)
  ]


def _draw_thresholds(seed, size, data, round_num):
  """Returns what a client's scores must exceed for votes of +1."""
  seed = random_seeds.client_seed(
      seed, random_seeds.Purpose.VOTE, round_num, data['client_id']
  )
  uniform = tf.random.stateless_uniform(
      [size], seed, alg=random_seeds.ALGORITHM
  )
  return 2 * uniform.numpy().astype(np.float64) - 1


class Reference:
  """HideNseek in NumPy.

  Attributes:
    scores: The global scores of the layers that are shared.
    average: The average of the scores over rounds.
  """

  def __init__(self, net, options, seed, sizes, scores):
    """Initializes the reference.

    Args:
      net: The frozen part of the net.
      options: A `HideNSeekOptions`.
      seed: The experiment's.
      sizes: Of the layers that are shared, which come first.
      scores: The global scores before the first round.
    """
    self._net = net
    self._options = options
    self._seed = seed
    self._sizes = sizes
    self.scores = scores.astype(np.float64)
    self.average = self.scores
    self._rates = np.ones_like(self.scores)
    if options.layer_rates == 'inverse_scale':
      fans = [p.size / shape[-1] for p, shape in zip(net.positions, net.shapes)]
      rates = np.sqrt(np.array(fans) / max(fans))[: len(sizes)]
      self._rates = np.repeat(rates, sizes)
    self._rounds = []

  def _receive(self, scores, private):
    """Returns the layers' scores at the start of a client."""
    options = self._options
    if options.broadcast == 'tally':
      scores = (2 * np.floor(7.5 * scores) + 1) / 15
    elif options.broadcast == 'majority':
      scores = np.where(scores >= 0, 1.0, -1.0)
    return np.split(scores, np.cumsum(self._sizes)[:-1]) + private

  def _log_prior(self, data):
    if not self._options.class_prior:
      return 0.0
    return numpy_reference.find_log_prior(data['y'], tiny_task.NUM_CLASSES)

  def _train(self, received, round_num, data):
    """Returns a client's scores in units of the client, and its loss."""
    options = self._options
    return self._net.train(
        received,
        numpy_reference.draw_batches(
            data,
            _draw_orders(self._seed, data, round_num, options.num_epochs),
            options.batch_size,
        ),
        numpy_reference.Optimizer(
            options.client_optimizer, options.client_learning_rate
        ),
        self._log_prior(data),
    )

  def _vote(self, scores, received, round_num, data):
    options = self._options
    if options.votes == 'signs':
      return np.where(scores >= 0, 1.0, -1.0)
    certain = 1.0
    if options.votes == 'moves':
      scores = scores - received
      certain = options.vote_range
    thresholds = _draw_thresholds(
        self._seed, scores.size, data, round_num
    )
    return np.where(scores / certain > thresholds, 1.0, -1.0)

  def run_round(self, round_num, clients, client_states):
    """Returns the clients' new states, the mean loss and the sign flips."""
    options = self._options
    num_shared = len(self._sizes)
    votes, losses, new_states = [], [], []
    for data, state in zip(clients, client_states):
      received = self._receive(self.scores, state)
      scores, loss = self._train(received, round_num, data)
      votes.append(
          self._vote(
              np.concatenate(scores[:num_shared]),
              np.concatenate(received[:num_shared]),
              round_num,
              data,
          )
      )
      losses.append(loss)
      new_states.append(scores[num_shared:])
    num_examples = [len(data['y']) for data in clients]
    weights = num_examples if options.weight_by_examples else None
    step = np.average(votes, axis=0, weights=weights)
    if options.votes != 'moves':
      step = step - self.scores
    step *= self._rates
    before = self.scores
    self.scores = np.clip(
        before + options.server_learning_rate * step, -1, 1
    )
    self._rounds.append(self.scores)
    self.average = numpy_reference.average_over_rounds(
        self._rounds, options.averaging_power
    )
    flips = ((self.scores >= 0) != (before >= 0)).sum()
    return new_states, np.average(losses, weights=num_examples), flips

  def count_correct(self, test, private):
    """Returns how many examples the global model classifies correctly."""
    scores = self._receive(self.average, private)
    return self._net.count_correct(scores, test['x'], test['y'].numpy())

  def count_correct_personally(self, round_num, data, private, test):
    """Returns the same of a client's own model."""
    received = self._receive(self.average, private)
    scores, _ = self._train(received, round_num, data)
    if self._options.personal_step == 'skew':
      skew = numpy_reference.find_label_skew(data['y'], tiny_task.NUM_CLASSES)
      scores = [r + skew * (s - r) for s, r in zip(scores, received)]
    return self._net.count_correct(
        scores, test['x'], test['y'].numpy(), self._log_prior(data)
    )
