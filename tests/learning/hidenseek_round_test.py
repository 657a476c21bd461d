"""Rounds of HideNseek against the same rounds in NumPy."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import hidenseek
from tff_hidenseek.learning import hidenseek_options
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.models import prunable_layers
from tff_hidenseek.runtimes import in_process
from tests.learning import numpy_reference
from tests.learning import tiny_task

_SEED = 4
_NUM_EXAMPLES = (9, 4, 6)


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _read_net(model):
  """Returns the frozen part of a sign-masked model."""
  layers = prunable_layers.prunable_layers(model)
  return numpy_reference.SignMaskedNet(
      [layer.kernel.shape for layer in layers],
      [layer.kept_positions.numpy() for layer in layers],
      [layer.kept_weights.numpy().astype(np.float64) for layer in layers],
  )


def _draw_orders(data, round_num, num_epochs):
  """Returns the order of a client's examples in each epoch."""
  seed = random_seeds.client_seed(
      _SEED, random_seeds.Purpose.SHUFFLE, round_num, data['client_id']
  )
  return [
      tf.random.experimental.stateless_shuffle(
          tf.range(len(data['y'])),
          random_seeds.fold_in(seed, epoch),
          alg=random_seeds.ALGORITHM,
      ).numpy()
      for epoch in range(num_epochs)
  ]


class _Reference:
  """HideNseek with deterministic votes, in NumPy.

  Attributes:
    scores: The global scores of the layers that are shared.
    velocity: The server's momentum.
  """

  def __init__(self, net, options, sizes, scores):
    self._net = net
    self._options = options
    self._sizes = sizes  # Of the layers that are shared, which come first.
    self.scores = scores.astype(np.float64)
    self.velocity = np.zeros_like(self.scores)

  def train_client(self, round_num, data, private):
    """Returns a client's scores in units of the client, and its loss."""
    options = self._options
    sent = self.scores
    if options.broadcast == 'tally':
      sent = np.round(7 * sent) / 7
    elif options.broadcast == 'majority':
      sent = np.where(sent >= 0, 1.0, -1.0)
    scores = np.split(sent, np.cumsum(self._sizes)[:-1]) + private
    present = None
    if options.label_restricted_loss:
      present = np.bincount(data['y'], minlength=tiny_task.NUM_CLASSES) > 0
    return self._net.train(
        [options.score_scale * part for part in scores],
        numpy_reference.draw_batches(
            data,
            _draw_orders(data, round_num, options.num_epochs),
            options.batch_size,
        ),
        numpy_reference.Optimizer(
            options.client_optimizer, options.client_learning_rate
        ),
        present,
        options.clipped_gradient,
    )

  def run_round(self, round_num, clients, client_states):
    """Returns the clients' new states, the mean loss and the sign flips."""
    options = self._options
    votes, losses, new_states = [], [], []
    for data, state in zip(clients, client_states):
      scores, loss = self.train_client(round_num, data, state)
      shared = np.concatenate(scores[: len(self._sizes)])
      votes.append(np.where(shared >= 0, 1.0, -1.0))
      losses.append(loss)
      new_states.append(
          [s / options.score_scale for s in scores[len(self._sizes) :]]
      )
    num_examples = [len(data['y']) for data in clients]
    weights = num_examples if options.weight_by_examples else None
    step = np.average(votes, axis=0, weights=weights) - self.scores
    self.velocity = options.server_momentum * self.velocity + step
    before = self.scores
    self.scores = np.clip(
        before + options.server_learning_rate * self.velocity, -1, 1
    )
    flips = ((self.scores >= 0) != (before >= 0)).sum()
    return new_states, np.average(losses, weights=num_examples), flips


class RoundTest(tf.test.TestCase):

  def _assert_equals_reference(
      self, build_model, num_rounds=2, private_layer='', **choices
  ):
    """Runs rounds and a personal evaluation, and their reference."""
    options = hidenseek_options.HideNSeekOptions(
        density=0.6,
        pruning_iterations=5,
        private_layers=private_layer,
        stochastic_votes=False,
        **choices,
    )
    algorithm = hidenseek.build_hidenseek(
        tiny_task.make_task(build_model, _SEED), options
    )
    state = algorithm.process.initialize()
    net = _read_net(algorithm.build_global_model(state))
    sizes = [positions.size for positions in net.positions]
    states = [algorithm.initial_client_state] * len(_NUM_EXAMPLES)
    private = [[]] * len(_NUM_EXAMPLES)
    if private_layer:
      private = [[s[private_layer].astype(np.float64)] for s in states]
      sizes.pop()
    reference = _Reference(net, options, sizes, state.algorithm['scores'])
    clients = tiny_task.make_clients(*_NUM_EXAMPLES[:-1])
    clients.append(tiny_task.make_client(_NUM_EXAMPLES[-1], 2, classes=(0, 2)))
    for round_num in range(num_rounds):
      if private_layer:
        output = algorithm.process.next(state, states, clients)
        states = output.client_states
      else:
        output = algorithm.process.next(state, clients)
      private, loss, flips = reference.run_round(round_num, clients, private)
      state, metrics = output.state, output.metrics
      assert_close = functools.partial(self.assertAllClose, rtol=0, atol=1e-6)
      assert_close(state.algorithm['scores'], reference.scores)
      assert_close(state.algorithm['velocity'], reference.velocity)
      assert_close(metrics['train_loss'], loss)
      self.assertEqual(metrics['sign_flips'], flips)
      self.assertEqual(state.round_num, round_num + 1)
      if private_layer:
        for got, (expected,) in zip(states, private):
          self.assertEqual(list(got), [private_layer])
          assert_close(got[private_layer], expected)
    self.assertNotAllEqual(reference.scores, np.zeros_like(reference.scores))
    self._assert_personal_models_equal_reference(
        algorithm, state, states, clients, reference, private
    )

  def _assert_personal_models_equal_reference(
      self, algorithm, state, states, clients, reference, private
  ):
    tests = [tiny_task.make_client(50, 10 + i) for i in range(len(clients))]
    arguments = (state, states, clients, tests)
    if algorithm.initial_client_state is None:
      arguments = (state, clients, tests)
    counts = algorithm.evaluate_personal(*arguments)
    for count, data, test, kept in zip(counts, clients, tests, private):
      scores, _ = reference.train_client(int(state.round_num), data, kept)
      net = reference._net  # pylint: disable=protected-access
      expected = net.count_correct(scores, test['x'], test['y'].numpy())
      self.assertEqual(count['num_correct'], expected)
      self.assertEqual(count['num_examples'], 50)

  def test_sgd_on_whole_clients_with_the_tally(self):
    self._assert_equals_reference(
        tiny_task.build_linear,
        broadcast='tally',
        client_optimizer='sgd',
        client_learning_rate=0.5,
        batch_size=100,
        num_epochs=3,
        weight_by_examples=False,
        server_learning_rate=1.0,
    )

  def test_adam_on_batches_with_float32_and_weights(self):
    self._assert_equals_reference(
        tiny_task.build_linear,
        broadcast='float32',
        client_optimizer='adam',
        client_learning_rate=0.03,
        batch_size=4,
        num_epochs=2,
        weight_by_examples=True,
        server_learning_rate=0.6,
        server_momentum=0.5,
    )

  def test_two_layers_with_every_choice_that_changes_a_step(self):
    self._assert_equals_reference(
        tiny_task.build_two_layers,
        broadcast='majority',
        client_optimizer='momentum',
        client_learning_rate=0.3,
        batch_size=2,
        num_epochs=2,
        score_scale=0.9,
        clipped_gradient=True,
        label_restricted_loss=True,
        kernel_distribution='gaussian',
        weight_by_examples=True,
    )

  def test_private_layers_stay_with_their_clients(self):
    self._assert_equals_reference(
        tiny_task.build_two_layers,
        private_layer='logits',
        # Equal weights can cancel a gradient: rounding then decides a sign.
        kernel_distribution='gaussian',
        broadcast='tally',
        client_optimizer='sgd',
        client_learning_rate=0.5,
        batch_size=4,
        num_epochs=2,
        weight_by_examples=True,
    )


if __name__ == '__main__':
  tf.test.main()
