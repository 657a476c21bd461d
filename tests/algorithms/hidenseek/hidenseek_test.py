import functools
import unittest

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

# Of the 48 weights of two layers.
_NUM_KEPT = 29
_NUM_BYTES = 4


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


@functools.lru_cache(maxsize=None)
def _build(seed=0, **choices):
  """Builds HideNseek; a build takes seconds, so tests share a few."""
  options = dict(
      density=0.6,
      pruning_iterations=5,
      batch_size=4,
      client_learning_rate=1.0,
      broadcast='float32',
      votes='signs',
      personal_step='full',
      weight_by_examples=False,
      server_learning_rate=1.0,
  )
  return hidenseek.build_hidenseek(
      tiny_task.make_task(seed=seed),
      hidenseek_options.HideNSeekOptions(**{**options, **choices}),
  )


def _build_majority():
  return _build(broadcast='majority', weight_by_examples=True)


def _build_private():
  return _build(broadcast='tally', private_layers='logits')


def _build_stochastic():
  """Builds clients that only vote what they are sent."""
  return _build(
      votes='stochastic_signs',
      client_learning_rate=1e-9,
      client_optimizer='sgd',
  )


def _read_layers(model):
  """Returns the weights of each layer by the name of the layer."""
  return {
      layer.name: {
          'kernel': layer.kernel.numpy(),
          'scores': layer.scores.numpy(),
          'kept_positions': layer.kept_positions.numpy(),
          'kept_weights': layer.kept_weights.numpy(),
      }
      for layer in layer_sets.prunable_layers(model)
  }


class TypesTest(unittest.TestCase):

  def test_a_vote_is_one_bit_up(self):
    votes = tff.TensorType(np.uint8, [_NUM_BYTES])
    ups = boundary.find_crossing(_build().process.next).up
    self.assertIn(votes, ups)
    for other in ups:
      if other != votes:  # The sums that the metrics are made of.
        leaves = tff.structure.flatten(other)
        self.assertFalse(any(leaf.shape for leaf in leaves))

  def test_weighted_votes_bring_one_number_along(self):
    ups = boundary.find_crossing(_build_majority().process.next).up
    self.assertIn(
        [tff.TensorType(np.uint8, [_NUM_BYTES]), tff.TensorType(np.float32)],
        [tff.structure.flatten(up) for up in ups],
    )

  def test_scores_are_all_that_is_broadcast(self):
    for algorithm, content in (
        (_build(), tff.TensorType(np.float32, [_NUM_KEPT])),
        (_build_majority(), tff.TensorType(np.uint8, [_NUM_BYTES])),
    ):
      (down,) = boundary.find_crossing(algorithm.process.next).down
      self.assertEqual(
          tff.structure.flatten(down), [tff.TensorType(np.int32), content]
      )

  def test_private_scores_stay_at_the_clients(self):
    algorithm = _build_private()
    num_private = algorithm.initial_client_state['logits'].size
    num_shared = _NUM_KEPT - num_private
    parameter = algorithm.process.next.type_signature.parameter
    self.assertEqual(
        tff.structure.flatten(parameter['client_states'].member),
        [tff.TensorType(np.float32, [num_private])],
    )
    crossing = boundary.find_crossing(algorithm.process.next)
    self.assertIn(tff.TensorType(np.uint8, [-(-num_shared // 8)]), crossing.up)
    (down,) = crossing.down
    self.assertEqual(
        down['content'], tff.TensorType(np.uint8, [-(-num_shared // 2)])
    )

  def test_the_state_holds_neither_kernels_nor_masks(self):
    state_type = _build().process.initialize.type_signature.result.member
    shapes = [tuple(leaf.shape) for leaf in tff.structure.flatten(state_type)]
    self.assertCountEqual(shapes, 2 * [()] + 2 * [(_NUM_KEPT,)])

  def test_is_a_learning_process_unless_clients_keep_state(self):
    learning_process = tff.learning.templates.LearningProcess
    self.assertIsInstance(_build().process, learning_process)
    stateful = _build_private().process
    self.assertIsInstance(stateful, tff.templates.IterativeProcess)
    self.assertNotIsInstance(stateful, learning_process)


class BuildErrorsTest(unittest.TestCase):

  def test_raises_on_an_unknown_private_layer_with_the_list(self):
    with self.assertRaisesRegex(
        ValueError,
        "`private_layers` must name layers of hidden, logits, found 'conv9'",
    ):
      _build(private_layers='logits,conv9')

  def test_raises_if_nothing_is_shared(self):
    with self.assertRaisesRegex(ValueError, 'must leave a layer to be shared'):
      _build(private_layers='logits,hidden')

  def test_raises_if_a_layer_is_left_empty(self):
    with self.assertRaisesRegex(ValueError, 'no weight in: .*higher density'):
      _build(density=0.02)


class InitialStateTest(tf.test.TestCase):

  def test_the_seed_decides_it(self):
    _build.cache_clear()
    first = _build()
    _build.cache_clear()
    first, second, other = (
        _read_layers(
            algorithm.build_global_model(algorithm.process.initialize())
        )
        for algorithm in (first, _build(), _build(seed=1))
    )
    for name, weights in first.items():
      for key, value in weights.items():
        self.assertAllEqual(value, second[name][key])
      self.assertNotAllEqual(weights['kernel'], other[name]['kernel'])

  def test_scores_are_drawn_from_the_whole_range(self):
    scores = _build().process.initialize().algorithm['scores']
    self.assertAllInRange(scores, -1, 1)
    self.assertLess(scores.min(), -0.5)
    self.assertGreater(scores.max(), 0.5)

  def test_ternary_layers_have_one_magnitude(self):
    algorithm = _build()
    model = algorithm.build_global_model(algorithm.process.initialize())
    for weights in _read_layers(model).values():
      self.assertLen(np.unique(np.abs(weights['kept_weights'])), 1)

  def test_keeps_the_density_of_all_weights_together(self):
    algorithm = _build()
    self.assertEqual(algorithm.num_weights, 48)
    sizes = dict(hidden=36, logits=12)
    kept = sum(
        density * sizes[name]
        for name, density in algorithm.layer_densities.items()
    )
    self.assertAlmostEqual(kept, _NUM_KEPT)

  def test_a_client_is_sent_the_seed_and_the_hash_of_the_mask(self):
    sent = _build().setup_message
    self.assertEqual(sent['seed'], 0)
    self.assertEqual(sent['mask_sha256'].shape, (32,))
    self.assertNotAllEqual(
        sent['mask_sha256'], _build(seed=1).setup_message['mask_sha256']
    )


class RoundTest(tf.test.TestCase):

  def test_frozen_weights_are_unchanged(self):
    algorithm = _build()
    start = algorithm.process.initialize()
    (client,) = tiny_task.make_clients(12)
    before = _read_layers(algorithm.build_global_model(start))
    state = algorithm.process.next(start, [client]).state
    for after in (
        _read_layers(algorithm.build_personal_model(start, None, client)),
        _read_layers(algorithm.build_global_model(state)),
    ):
      num_flipped = 0
      for name, weights in after.items():
        for key in ('kept_positions', 'kept_weights'):
          self.assertAllEqual(weights[key], before[name][key])
        self.assertAllEqual(
            np.abs(weights['kernel']), np.abs(before[name]['kernel'])
        )
        num_flipped += (weights['kernel'] != before[name]['kernel']).sum()
      self.assertGreater(num_flipped, 0)

  def test_stochastic_votes_repeat_but_differ_from_round_to_round(self):
    algorithm = _build_stochastic()
    clients = tiny_task.make_clients(4, 4, 4)
    start = algorithm.process.initialize()
    first = algorithm.process.next(start, clients).state
    same = algorithm.process.next(start, clients).state
    self.assertAllEqual(first.algorithm['scores'], same.algorithm['scores'])
    next_round = algorithm.process.set_model_weights(
        first, algorithm.process.get_model_weights(start)
    )
    other = algorithm.process.next(next_round, clients).state
    self.assertNotAllEqual(
        first.algorithm['scores'], other.algorithm['scores']
    )

  def test_stochastic_votes_are_unbiased_over_many_clients(self):
    algorithm = _build_stochastic()
    start = algorithm.process.initialize()
    num_clients = 400
    clients = tiny_task.make_clients(*[1] * num_clients)
    state = algorithm.process.next(start, clients).state
    self.assertAllClose(
        state.algorithm['scores'],
        start.algorithm['scores'],
        rtol=0,
        atol=4 / num_clients**0.5,
    )


class AverageScoresTest(unittest.TestCase):

  def _average(self, rounds, power):
    average = -1.0  # What training starts from does not count.
    for round_num, scores in enumerate(rounds, start=1):
      average = hidenseek.average_scores(average, scores, round_num, power)
    return average

  def test_the_newest_scores_weigh_p_plus_1_of_p_plus_round(self):
    # Their weights are 2/2, 2/3 and 2/4.
    self.assertAlmostEqual(self._average([1.0], power=1.0), 1)
    self.assertAlmostEqual(self._average([1.0, 4.0], power=1.0), 3)
    self.assertAlmostEqual(self._average([1.0, 4.0, 5.0], power=1.0), 4)

  def test_power_0_is_the_plain_mean(self):
    self.assertAlmostEqual(self._average([1.0, 4.0, 7.0, 0.0], power=0.0), 3)

  def test_a_large_power_is_the_newest_scores(self):
    self.assertAlmostEqual(self._average([1.0, 4.0, 7.0], power=1e9), 7)


class FinalModelTest(tf.test.TestCase):

  def test_the_global_model_is_of_the_average(self):
    algorithm = _build_stochastic()
    clients = tiny_task.make_clients(4, 4, 4)
    state = algorithm.process.initialize()
    for _ in range(2):
      state = algorithm.process.next(state, clients).state
    layers = _read_layers(algorithm.build_global_model(state))
    scores = np.concatenate([layer['scores'] for layer in layers.values()])
    self.assertAllClose(scores, state.algorithm['average'])
    self.assertNotAllClose(scores, state.algorithm['scores'])


if __name__ == '__main__':
  tf.test.main()
