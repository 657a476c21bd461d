import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.algorithms import fed_bat
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55
_RATE = one_round.LEARNING_RATE
_STEP_RATE = 2.0
_Purpose = random_seeds.Purpose


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build():
  return one_round.build('fed_bat', num_epochs=2, step_rate=_STEP_RATE)


def _draw(seed):
  """Returns the draws of all weight tensors, each with its own seed."""
  return one_round.join([
      one_round.draw_uniform(np.prod(shape), random_seeds.fold_in(seed, i))
      for i, shape in enumerate(one_round.SHAPES)
  ])


def _spread(numbers):
  """Returns a number a weight tensor for each of its weights."""
  sizes = [int(np.prod(shape)) for shape in one_round.SHAPES]
  return np.repeat(numbers, sizes)


def _reduce(reduction, vector):
  """Reduces a vector a weight tensor."""
  return np.array(
      [reduction(part) for part in one_round.split(vector, one_round.SHAPES)]
  )


class BinarizeTest(tf.test.TestCase):

  def test_gives_plus_the_step_as_often_as_the_update_is_far_up(self):
    update = np.full(40_000, 0.25, np.float32)
    uniform = np.random.default_rng(0).random(40_000)
    drawn = fed_bat.binarize(update, 0.5, uniform).numpy()
    self.assertAllEqual(np.unique(drawn), [-0.5, 0.5])
    self.assertAllClose(np.mean(drawn > 0), 0.75, rtol=0, atol=0.01)

  def test_is_the_update_on_average_clipped_to_the_step(self):
    uniform = (np.arange(1000) + 0.5) / 1000
    for update, mean in ((0.3, 0.3), (-0.1, -0.1), (0.9, 0.5), (-0.6, -0.5)):
      drawn = fed_bat.binarize(np.full(1000, update), 0.5, uniform)
      self.assertAllClose(np.mean(drawn), mean, rtol=0, atol=1e-3)

  def test_the_gradient_of_a_step_is_that_of_the_authors(self):
    # Ratios 0.5, 2, -2 and -0.5; outside [-1, 1] the draw is their sign.
    gradient = fed_bat.step_gradient(
        tf.constant([0.1, 0.4, -0.4, -0.1]),
        tf.constant(0.2),
        tf.constant([1.0, 1.0, -1.0, 1.0]),
        tf.constant([1.0, 2.0, 4.0, 8.0]),
    )
    self.assertAllClose(gradient, 0.5 * 1 + 2 - 4 + 1.5 * 8)


class TypesTest(tf.test.TestCase):

  def test_a_bit_a_weight_and_a_number_a_layer_go_up(self):
    up = boundary.find_crossing(_build().process.next).up
    leaves = [tff.structure.flatten(each) for each in up]
    bits, steps = tff.TensorType(np.uint8, [7]), tff.TensorType(np.float32, [4])
    weight = tff.TensorType(np.float32)
    self.assertIn([bits, steps, weight], leaves)


class RoundTest(tf.test.TestCase):

  def test_the_global_model_has_the_server_s_weights(self):
    algorithm = _build()
    state = algorithm.process.initialize()
    model = algorithm.build_global_model(state)
    for weights, expected in zip(model.get_weights(), state.algorithm):
      self.assertAllEqual(weights, expected)

  def test_a_round_is_that_of_numpy(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3, 4)
    state = algorithm.process.initialize()
    output = algorithm.process.next(state, clients)
    weights = one_round.join(state.algorithm)
    total = np.zeros(_NUM_WEIGHTS)
    for data in clients:
      examples = data['x'], data['y']
      # The first of two steps is the warm-up.
      update = -_RATE * one_round.find_gradient(weights, *examples)
      free = _reduce(lambda part: np.abs(part).mean(), update)
      step = np.clip(free, 5e-4, 5e-2)
      seed = random_seeds.fold_in(
          random_seeds.fold_in(
              one_round.client_seed(_Purpose.SHUFFLE, data['client_id']),
              -int(_Purpose.MASK),
          ),
          2,
      )
      ratio = update / _spread(step)
      signs = np.where(_draw(seed) < (ratio + 1) / 2, 1, -1)
      gradient = one_round.find_gradient(
          weights + signs * _spread(step), *examples
      )
      slope = np.where(np.abs(ratio) > 1, np.sign(ratio), signs - ratio)
      exponent = -_RATE * _STEP_RATE * np.where(
          step == free, step * _reduce(np.sum, slope * gradient), 0
      )
      update -= _RATE * gradient * (np.abs(ratio) <= 1)
      step = np.clip(free * np.exp(_STEP_RATE * exponent), 5e-4, 5e-2)
      draws = _draw(one_round.client_seed(_Purpose.VOTE, data['client_id']))
      ups = draws < (update / _spread(step) + 1) / 2
      total += len(data['y']) * np.where(ups, 1, -1) * _spread(step)
    self.assertAllClose(
        one_round.join(output.state.algorithm),
        weights + total / 12,
        rtol=0,
        atol=1e-5,
    )
    # Bits, four steps, and the number of examples.
    self.assertEqual(output.metrics['bytes_up'], 3 * (7 + 16 + 4))


if __name__ == '__main__':
  tf.test.main()
