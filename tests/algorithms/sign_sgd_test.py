import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build():
  return one_round.build('sign_sgd', server_learning_rate=0.01)


class TypesTest(tf.test.TestCase):

  def test_one_bit_a_weight_goes_up(self):
    up = boundary.find_crossing(_build().process.next).up
    self.assertIn(tff.TensorType(np.uint8, [7]), up)


class RoundTest(tf.test.TestCase):

  def test_a_round_is_that_of_numpy(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3, 4)
    state = algorithm.process.initialize()
    output = algorithm.process.next(state, clients)
    weights = one_round.join(state.algorithm)
    tally = np.zeros(_NUM_WEIGHTS)
    for data in clients:
      update = -one_round.find_gradient(weights, data['x'], data['y'])
      coins = one_round.draw_uniform(
          _NUM_WEIGHTS,
          one_round.client_seed(
              random_seeds.Purpose.VOTE, data['client_id']
          ),
      )
      tally += np.where(update == 0, np.where(coins < 0.5, 1, -1),
                        np.sign(update))
    self.assertAllClose(
        one_round.join(output.state.algorithm),
        weights + 0.01 * np.sign(tally),
        rtol=0,
        atol=1e-6,
    )
    self.assertEqual(output.metrics['bytes_up'], 3 * 7)

  def test_weights_of_black_pixels_do_not_drift(self):
    algorithm = _build()
    black = [
        client_data.make_client_data(np.zeros([4, 3, 3, 1]), [0, 1, 2, 0], i)
        for i in range(9)
    ]
    state = algorithm.process.initialize()
    before = state.algorithm[0]
    for _ in range(10):
      state = algorithm.process.next(state, black).state
    # Ten steps in one direction would be 0.1 for all.
    self.assertLess(np.abs(np.mean(state.algorithm[0] - before)), 0.03)


if __name__ == '__main__':
  tf.test.main()
