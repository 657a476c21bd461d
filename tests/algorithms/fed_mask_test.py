import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 48
_NUM_KEPT = (9, 3)  # A quarter of each layer.


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build(broadcast='float32'):
  return one_round.build(
      'fed_mask', density=0.25, broadcast=broadcast, score_scale=0.1
  )


def _start(algorithm, num_clients=3):
  clients = tiny_task.make_clients(*[5, 3, 4][:num_clients])
  states = [algorithm.initial_client_state] * num_clients
  return algorithm.process.initialize(), states, clients


def _find_kernels(model):
  return one_round.join(
      [layer.kernel for layer in layer_sets.prunable_layers(model)]
  )


def _find_weights(algorithm, state):
  """Returns the frozen weights, which scores of 1 show."""
  ones = np.ones(_NUM_WEIGHTS, np.float32)
  model = algorithm.build_global_model(
      type(state)(state.round_num, ones, state.aggregator)
  )
  return _find_kernels(model).astype(np.float64)


class _Reference:
  """A client in NumPy."""

  def __init__(self, weights, data):
    self._weights = weights
    self._data = data
    self.kept = None

  def _step(self, scores, factors):
    kernels = self._weights * factors * (scores >= 0)
    gradient = one_round.find_kernel_gradient(
        kernels, self._data['x'], self._data['y']
    )
    return scores - one_round.LEARNING_RATE * gradient * self._weights * factors

  def train(self, received):
    """Returns the client's mask; the first time it prunes."""
    if self.kept is None:
      scores = self._step(0.1 * received, np.ones(_NUM_WEIGHTS))
      self.kept = one_round.join([
          one_round.keep_largest(part.ravel(), num_kept)
          for part, num_kept in zip(
              one_round.split(scores, one_round.KERNEL_SHAPES), _NUM_KEPT
          )
      ])
    # Four times fewer weights, each twice as large.
    return self._step(0.1 * received, 2 * self.kept) >= 0


class TypesTest(tf.test.TestCase):

  def test_what_is_kept_and_one_bit_a_kept_weight_go_up(self):
    up = boundary.find_crossing(_build().process.next).up
    self.assertIn('<kept=uint8[6],mask=uint8[2]>', ' '.join(map(str, up)))


class RoundTest(tf.test.TestCase):

  def test_three_rounds_are_those_of_numpy(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    weights = _find_weights(algorithm, state)
    references = [_Reference(weights, data) for data in clients]
    scores = state.algorithm.astype(np.float64)
    for _ in range(3):
      output = algorithm.process.next(state, client_states, clients)
      masks = np.array([each.train(scores) for each in references])
      kept = np.array([each.kept for each in references])
      num_keepers = kept.sum(axis=0)
      votes = (kept * (2.0 * masks - 1)).sum(axis=0)
      scores = np.where(
          num_keepers > 0, votes / np.maximum(num_keepers, 1), scores
      )
      state, client_states = output.state, output.client_states
      self.assertAllClose(state.algorithm, scores, rtol=0, atol=1e-6)
      for each, client_state in zip(references, client_states):
        self.assertTrue(client_state['is_pruned'])
        self.assertAllEqual(
            one_round.unpack(client_state['kept'], _NUM_WEIGHTS), each.kept
        )

  def test_what_the_server_remembers_is_counted_once(self):
    algorithm = _build('tally')
    state, client_states, clients = _start(algorithm)
    first = algorithm.process.next(state, client_states, clients)
    self.assertEqual(first.metrics['bytes_up'], 3 * (6 + 2))
    self.assertEqual(first.metrics['bytes_down'], 3 * (24 + 4))
    second = algorithm.process.next(first.state, first.client_states, clients)
    self.assertEqual(second.metrics['bytes_up'], 3 * 2)
    self.assertEqual(second.metrics['bytes_down'], 3 * (6 + 4))

  def test_a_personal_model_is_a_mask_of_what_the_client_keeps(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    weights = _find_weights(algorithm, state)
    output = algorithm.process.next(state, client_states, clients)
    client_state = output.client_states[1]
    model = algorithm.build_personal_model(
        output.state, client_state, clients[1]
    )
    kernels = _find_kernels(model)
    kept = one_round.unpack(client_state['kept'], _NUM_WEIGHTS)
    self.assertAllEqual(kernels[~kept], np.zeros(36))
    self.assertTrue(np.all((kernels == 0) | (kernels == 2 * weights)))
    self.assertGreater(np.count_nonzero(kernels), 0)

  def test_a_client_that_never_trained_prunes_for_its_personal_model(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    model = algorithm.build_personal_model(state, client_states[0], clients[0])
    self.assertBetween(np.count_nonzero(_find_kernels(model)), 1, 12)


if __name__ == '__main__':
  tf.test.main()
