"""Rounds of HideNseek against the same rounds in NumPy."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms.hidenseek import hidenseek_reference
from tests.learning import numpy_reference
from tests.learning import tiny_task
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

_SEED = 4
_NUM_EXAMPLES = (9, 4, 6)


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _read_net(model):
  """Returns the frozen part of a sign-masked model."""
  layers = layer_sets.prunable_layers(model)
  return numpy_reference.SignMaskedNet(
      [layer.kernel.shape for layer in layers],
      [layer.kept_positions.numpy() for layer in layers],
      [layer.kept_weights.numpy().astype(np.float64) for layer in layers],
  )


class RoundTest(tf.test.TestCase):

  def _assert_equals_reference(
      self, build_model, num_rounds=2, private_layer='', **choices
  ):
    """Runs rounds and both evaluations, and their reference."""
    options = hidenseek_options.HideNSeekOptions(
        density=0.6,
        pruning_iterations=5,
        private_layers=private_layer,
        **choices,
    )
    algorithm = hidenseek.build_hidenseek(
        tiny_task.make_task(build_model, _SEED), options
    )
    state = algorithm.process.initialize()
    net = _read_net(algorithm.build_global_model(state))
    sizes = [positions.size for positions in net.positions]
    states = [algorithm.initial_client_state] * len(_NUM_EXAMPLES)
    first_private = []
    if private_layer:
      first_private = [states[0][private_layer].astype(np.float64)]
      sizes.pop()
    private = [first_private] * len(_NUM_EXAMPLES)
    reference = hidenseek_reference.Reference(
        net, options, _SEED, sizes, state.algorithm['scores']
    )
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
      for name in ('scores', 'average'):
        assert_close(state.algorithm[name], getattr(reference, name))
      assert_close(metrics['train_loss'], loss)
      self.assertEqual(metrics['sign_flips'], flips)
      self.assertAllClose(
          sum(
              size * metrics[f'flipped_{name}']
              for name, size in zip(algorithm.layer_densities, sizes)
          ),
          flips,
      )
      self.assertEqual(state.round_num, round_num + 1)
      if private_layer:
        for got, (expected,) in zip(states, private):
          self.assertEqual(list(got), [private_layer])
          assert_close(got[private_layer], expected)
    self.assertNotAllEqual(reference.scores, np.zeros_like(reference.scores))
    test = tiny_task.make_client(50, 10)
    self.assertEqual(
        algorithm.evaluate(state, [test])['num_correct'],
        reference.count_correct(test, first_private),
    )
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
      expected = reference.count_correct_personally(
          int(state.round_num), data, kept, test
      )
      self.assertEqual(count['num_correct'], expected)
      self.assertEqual(count['num_examples'], 50)

  def test_signs_with_the_tally_by_sgd_on_whole_clients(self):
    self._assert_equals_reference(
        tiny_task.build_linear,
        votes='signs',
        class_prior=False,
        personal_step='full',
        broadcast='tally',
        client_optimizer='sgd',
        client_learning_rate=5.0,
        batch_size=100,
        num_epochs=3,
        weight_by_examples=False,
        server_learning_rate=1.0,
    )

  def test_moves_with_float32_and_weights_by_adam_on_batches(self):
    self._assert_equals_reference(
        tiny_task.build_linear,
        num_rounds=4,
        votes='moves',
        vote_range=0.4,
        class_prior=True,
        personal_step='skew',
        averaging_power=1.5,
        broadcast='float32',
        client_optimizer='adam',
        client_learning_rate=0.3,
        batch_size=4,
        num_epochs=2,
        weight_by_examples=True,
        server_learning_rate=0.6,
    )

  def test_two_layers_with_every_choice_that_changes_a_step(self):
    self._assert_equals_reference(
        tiny_task.build_two_layers,
        votes='stochastic_signs',
        class_prior=True,
        personal_step='full',
        averaging_power=0.0,
        broadcast='majority',
        client_optimizer='momentum',
        client_learning_rate=3.0,
        batch_size=2,
        num_epochs=2,
        layer_rates='inverse_scale',
        kernel_distribution='gaussian',
        weight_by_examples=True,
    )

  def test_private_layers_stay_with_their_clients(self):
    self._assert_equals_reference(
        tiny_task.build_two_layers,
        num_rounds=3,
        private_layer='logits',
        votes='moves',
        vote_range=0.1,
        class_prior=True,
        personal_step='skew',
        layer_rates='equal',
        # Equal weights can cancel a gradient: rounding then decides a sign.
        kernel_distribution='gaussian',
        broadcast='tally',
        client_optimizer='sgd',
        client_learning_rate=5.0,
        batch_size=4,
        num_epochs=2,
        weight_by_examples=True,
    )


if __name__ == '__main__':
  tf.test.main()
