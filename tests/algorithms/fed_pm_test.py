import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 48
_Purpose = random_seeds.Purpose


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build():
  return one_round.build('fed_pm', num_epochs=2)


def _sigmoid(x):
  return 1 / (1 + np.exp(-x))


def _draw_uniform(seed):
  """Returns the draws of all kernels, each with its own seed."""
  return one_round.join([
      one_round.draw_uniform(np.prod(shape), random_seeds.fold_in(seed, i))
      for i, shape in enumerate(one_round.KERNEL_SHAPES)
  ])


def _find_kernels(algorithm, state):
  model = algorithm.build_global_model(state)
  return one_round.join(
      [layer.kernel for layer in layer_sets.prunable_layers(model)]
  )


def _find_weights(algorithm, state):
  """Returns the frozen weights, which a mask of ones shows."""
  sure = np.full(_NUM_WEIGHTS, 1 - 1e-7, np.float32)
  return _find_kernels(
      algorithm,
      type(state)(state.round_num, sure, state.aggregator),
  ).astype(np.float64)


class TypesTest(tf.test.TestCase):

  def test_one_bit_a_weight_goes_up_and_a_probability_down(self):
    crossing = boundary.find_crossing(_build().process.next)
    self.assertIn(tff.TensorType(np.uint8, [6]), crossing.up)
    self.assertEqual(
        crossing.down[0]['content'], tff.TensorType(np.float32, [_NUM_WEIGHTS])
    )


class RoundTest(tf.test.TestCase):

  def test_weights_are_signed_constants_of_he_magnitude(self):
    algorithm = _build()
    weights = _find_weights(algorithm, algorithm.process.initialize())
    for kernel in one_round.split(weights, one_round.KERNEL_SHAPES):
      self.assertLen(np.unique(np.abs(kernel)), 1)
      # Rounded to 127 / 2**k.
      self.assertAllClose(
          np.abs(kernel[0, 0]), np.sqrt(2 / len(kernel)), rtol=0.35
      )

  def test_a_round_is_that_of_numpy(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3, 4)
    state = algorithm.process.initialize()
    weights = _find_weights(algorithm, state)
    votes = [
        self._train(data, state.algorithm.astype(np.float64), weights)
        for data in clients
    ]
    output = algorithm.process.next(state, clients)
    self.assertAllClose(
        output.state.algorithm,
        0.01 + 0.98 * np.mean(votes, axis=0),
        rtol=0,
        atol=1e-6,
    )
    self.assertEqual(output.metrics['bytes_up'], 3 * 6)

  def _train(self, data, probabilities, weights):
    """Returns the mask that a client uploads after two steps."""
    scores = np.log(probabilities) - np.log1p(-probabilities)
    shuffle_seed = one_round.client_seed(_Purpose.SHUFFLE, data['client_id'])
    step_seed = random_seeds.fold_in(shuffle_seed, -int(_Purpose.MASK))
    for step in range(2):
      seed = random_seeds.fold_in(step_seed, step)
      p = _sigmoid(scores)
      mask = _draw_uniform(seed) < p
      gradient = one_round.find_kernel_gradient(
          weights * mask, data['x'], data['y']
      )
      scores -= one_round.LEARNING_RATE * gradient * weights * p * (1 - p)
    seed = one_round.client_seed(_Purpose.VOTE, data['client_id'])
    return _draw_uniform(seed) < _sigmoid(scores)

  def test_the_global_model_is_one_mask_of_the_frozen_weights(self):
    algorithm = _build()
    state = algorithm.process.initialize()
    weights = _find_weights(algorithm, state)
    state = algorithm.process.next(state, tiny_task.make_clients(5, 3)).state
    kernels = _find_kernels(algorithm, state)
    self.assertTrue(np.all((kernels == 0) | (kernels == weights)))
    self.assertNotAllClose(kernels, weights)
    self.assertAllEqual(kernels, _find_kernels(algorithm, state))


if __name__ == '__main__':
  tf.test.main()
