import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.algorithms import fed_mrn
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55
_NOISE = 0.5
_Purpose = random_seeds.Purpose


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build(noise_mask):
  return one_round.build('fed_mrn', noise_size=_NOISE, noise_mask=noise_mask)


def _draw(seed):
  """Returns the draws of all weight tensors, each with its own seed."""
  return one_round.join([
      one_round.draw_uniform(np.prod(shape), random_seeds.fold_in(seed, i))
      for i, shape in enumerate(one_round.SHAPES)
  ]).astype(np.float64)


class MaskTest(tf.test.TestCase):

  def test_chances_grow_with_the_update_in_the_noise_s_direction(self):
    update = np.float32([0.0, 0.1, 0.1, -0.3, -0.5, 0.9])
    noise = np.float32([0.4, 0.4, -0.4, -0.4, -0.4, 0.4])
    self.assertAllClose(
        fed_mrn.mask_chance(update, noise, 'binary'),
        [0, 0.25, 0, 0.75, 1, 1],
    )
    self.assertAllClose(
        fed_mrn.mask_chance(update, noise, 'signed'),
        [0.5, 0.625, 0.375, 0.875, 1, 1],
    )

  def test_masked_noise_is_the_update_on_average_within_the_noise(self):
    update = np.float32([0.1, -0.3, 0.05])
    noise = np.float32([0.4, -0.4, 0.1])
    for noise_mask in ('binary', 'signed'):
      mean = fed_mrn.apply_mask(
          fed_mrn.mask_chance(update, noise, noise_mask), noise, noise_mask
      )
      self.assertAllClose(mean, update)

  def test_noise_follows_from_its_seed(self):
    first, again, other = (
        fed_mrn.draw_noise([[30_000], [2]], tf.constant(seed), 0.25)
        for seed in (-7, -7, 8)
    )
    self.assertAllEqual(first[0], again[0])
    self.assertNotAllEqual(first[0], other[0])
    self.assertAllInRange(first[0], -0.25, 0.25)
    self.assertAllClose(np.std(first[0]), 0.25 / 3**0.5, atol=0.005)
    self.assertAllClose(np.mean(first[0]), 0, atol=0.005)


class TypesTest(tf.test.TestCase):

  def test_a_bit_a_weight_and_a_seed_go_up(self):
    up = boundary.find_crossing(_build('binary').process.next).up
    leaves = [tff.structure.flatten(each) for each in up]
    bits, seed = tff.TensorType(np.uint8, [7]), tff.TensorType(np.int32)
    weight = tff.TensorType(np.float32)
    self.assertIn([bits, seed, weight], leaves)


class RoundTest(tf.test.TestCase):

  def test_the_global_model_has_the_server_s_weights(self):
    algorithm = _build('binary')
    state = algorithm.process.initialize()
    model = algorithm.build_global_model(state)
    for weights, expected in zip(model.get_weights(), state.algorithm):
      self.assertAllEqual(weights, expected)

  def _check_round(self, noise_mask):
    algorithm = _build(noise_mask)
    clients = tiny_task.make_clients(5, 3, 4)
    state = algorithm.process.initialize()
    output = algorithm.process.next(state, clients)
    weights = one_round.join(state.algorithm)
    total = np.zeros(_NUM_WEIGHTS)
    for data in clients:
      shuffle_seed = one_round.client_seed(
          _Purpose.SHUFFLE, data['client_id']
      )
      noise_seed = tf.random.stateless_uniform(
          [], shuffle_seed, minval=None, maxval=None, dtype=tf.int32,
          alg=random_seeds.ALGORITHM,
      )
      noise = _NOISE * (
          2 * _draw(tf.stack([tf.cast(noise_seed, tf.int64), _Purpose.MASK]))
          - 1
      )
      # The only step is the last: the model sees drawn masks of no update.
      step_seed = random_seeds.fold_in(
          random_seeds.fold_in(shuffle_seed, -int(_Purpose.MASK)), 1
      )
      if noise_mask == 'binary':
        seen = np.zeros(_NUM_WEIGHTS)
      else:
        seen = np.where(_draw(step_seed) < 0.5, noise, -noise)
      gradient = one_round.find_gradient(weights + seen, data['x'], data['y'])
      ratio = -one_round.LEARNING_RATE * gradient / noise
      draws = _draw(one_round.client_seed(_Purpose.VOTE, data['client_id']))
      if noise_mask == 'binary':
        update = np.where(draws < ratio, noise, 0)
      else:
        update = np.where(draws < (ratio + 1) / 2, noise, -noise)
      total += len(data['y']) * update
    self.assertAllClose(
        one_round.join(output.state.algorithm),
        weights + total / 12,
        rtol=0,
        atol=1e-5,
    )
    # Bits, the seed, and the number of examples.
    self.assertEqual(output.metrics['bytes_up'], 3 * (7 + 4 + 4))

  def test_a_round_of_dropped_noise_is_that_of_numpy(self):
    self._check_round('binary')

  def test_a_round_of_turned_noise_is_that_of_numpy(self):
    self._check_round('signed')


if __name__ == '__main__':
  tf.test.main()
