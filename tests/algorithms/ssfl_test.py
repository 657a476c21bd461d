import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55
_NUM_KEPT = 12  # A quarter of 48.
_NUM_SENT = _NUM_KEPT + 7  # With the biases.
_IS_KERNEL = one_round.join(
    [np.full(shape, len(shape) > 1) for shape in one_round.SHAPES]
)


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build():
  return one_round.build('ssfl', density=0.25)


class TypesTest(tf.test.TestCase):

  def test_an_upload_is_as_long_as_what_is_sent(self):
    up = boundary.find_crossing(_build().process.next).up
    self.assertIn('float32[?]', ' '.join(map(str, up)))


class RoundTest(tf.test.TestCase):

  def test_two_rounds_are_those_of_numpy(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3)
    state = algorithm.process.initialize()
    weights = state.algorithm['weights'].astype(np.float64)

    first = algorithm.process.next(state, clients)
    saliencies = [
        np.abs(weights * one_round.find_gradient(weights, data['x'], data['y']))
        for data in clients
    ]
    saliency = (5 * saliencies[0] + 3 * saliencies[1]) / 8
    salient = one_round.keep_largest(
        np.where(_IS_KERNEL, saliency, -1), _NUM_KEPT
    )
    is_kept = salient | ~_IS_KERNEL
    self.assertAllEqual(first.state.algorithm['is_kept'], is_kept)
    weights = weights * is_kept
    self.assertAllClose(first.state.algorithm['weights'], weights)

    second = algorithm.process.next(first.state, clients)
    updates = [
        -one_round.LEARNING_RATE
        * one_round.find_gradient(weights, data['x'], data['y'])
        for data in clients
    ]
    expected = weights + is_kept * (5 * updates[0] + 3 * updates[1]) / 8
    self.assertAllClose(
        second.state.algorithm['weights'], expected, rtol=0, atol=1e-6
    )
    self.assertAllEqual(second.state.algorithm['is_kept'], is_kept)

  def test_saliencies_go_up_once_and_kept_weights_after(self):
    algorithm = _build()
    clients = tiny_task.make_clients(5, 3)
    state = algorithm.process.initialize()
    first = algorithm.process.next(state, clients)
    second = algorithm.process.next(first.state, clients)
    self.assertEqual(first.metrics['bytes_up'], 2 * (4 * _NUM_WEIGHTS + 4))
    self.assertEqual(first.metrics['bytes_down'], 2 * 4)
    self.assertEqual(second.metrics['bytes_up'], 2 * (4 * _NUM_SENT + 4))
    self.assertEqual(second.metrics['bytes_down'], 2 * (4 * _NUM_SENT + 7 + 4))


if __name__ == '__main__':
  tf.test.main()
