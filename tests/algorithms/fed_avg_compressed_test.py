import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55
_NUM_SENT = 11


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build():
  return one_round.build('fed_avg_compressed', upload_density=0.2)


class TypesTest(tf.test.TestCase):

  def test_positions_levels_a_scale_and_a_weight_go_up(self):
    up = boundary.find_crossing(_build().process.next).up
    upload = tff.to_type(
        dict(
            positions=tff.TensorType(np.int32, [_NUM_SENT]),
            levels=tff.TensorType(np.int8, [_NUM_SENT]),
            scale=np.float32,
        )
    )
    self.assertIn(str(upload), ' '.join(map(str, up)))


class RoundTest(tf.test.TestCase):

  def test_a_round_is_that_of_numpy(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3)
    state = algorithm.process.initialize()
    output = algorithm.process.next(state, clients)
    weights = one_round.join(state.algorithm)
    updates = []
    for data in clients:
      gradient = one_round.find_gradient(weights, data['x'], data['y'])
      update = -one_round.LEARNING_RATE * gradient
      is_sent = one_round.keep_largest(np.abs(update), _NUM_SENT)
      scale = np.abs(update).max() / 127
      updates.append(np.where(is_sent, np.round(update / scale) * scale, 0))
    expected = weights + (5 * updates[0] + 3 * updates[1]) / 8
    self.assertAllClose(
        one_round.join(output.state.algorithm), expected, rtol=0, atol=1e-6
    )

  def test_five_bytes_a_sent_entry_are_counted(self):
    algorithm = _build()
    state = algorithm.process.initialize()
    output = algorithm.process.next(state, tiny_task.make_clients(5, 3))
    self.assertEqual(output.metrics['bytes_up'], 2 * (5 * _NUM_SENT + 4 + 4))
    self.assertEqual(output.metrics['bytes_down'], 2 * (4 * _NUM_WEIGHTS + 4))


if __name__ == '__main__':
  tf.test.main()
