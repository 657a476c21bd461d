import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.algorithms import one_round
from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.runtimes import in_process

_NUM_WEIGHTS = 55
_SIZES = (20, 12, 5)  # The last has no example for validation.


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build(accuracy_threshold=0.0, **options):
  return one_round.build(
      'lottery_fl', accuracy_threshold=accuracy_threshold, **options
  )


def _start(algorithm):
  clients = tiny_task.make_clients(*_SIZES)
  states = [algorithm.initial_client_state] * len(clients)
  return algorithm.process.initialize(), states, clients


def _find_ticket(client_state):
  return one_round.unpack(client_state['kept'], _NUM_WEIGHTS)


class _Reference:
  """A client in NumPy, with an accuracy threshold of 0."""

  def __init__(self, initial, data):
    self._initial = initial
    self._is_validation = np.arange(len(data['y'])) % 10 == 9
    self._data = data
    self.ticket = np.ones(_NUM_WEIGHTS, bool)

  def _prune(self, received):
    """Drops a fifth of each kernel's kept weights, to a half at least."""
    ticket = one_round.split(self.ticket, one_round.SHAPES)
    weights = one_round.split(received, one_round.SHAPES)
    for kept, values in zip(ticket, weights):
      if kept.ndim > 1:
        num_left = max(np.ceil(0.8 * kept.sum()), np.ceil(0.5 * kept.size))
        magnitudes = np.where(kept, np.abs(values), -1)
        kept.flat = one_round.keep_largest(magnitudes.ravel(), int(num_left))
    return one_round.join(ticket) > 0

  def train(self, received):
    """Returns the client's weights; those out of its ticket are zero."""
    weights = received
    if self._is_validation.any():
      ticket = self._prune(received)
      if np.any(ticket != self.ticket):
        weights = self._initial
      self.ticket = ticket
    weights = weights * self.ticket
    gradient = one_round.find_gradient(
        weights,
        self._data['x'].numpy()[~self._is_validation],
        self._data['y'].numpy()[~self._is_validation],
    )
    return weights - one_round.LEARNING_RATE * gradient * self.ticket


class TypesTest(tf.test.TestCase):

  def test_the_ticket_goes_up_with_as_many_weights_as_it_has(self):
    up = boundary.find_crossing(_build().process.next).up
    self.assertIn('<kept=uint8[7],values=float32[?]>', ' '.join(map(str, up)))


class RoundTest(tf.test.TestCase):

  def test_rounds_until_the_target_are_those_of_numpy(self):
    algorithm = _build(target_density=0.5)
    state, client_states, clients = _start(algorithm)
    weights = one_round.join(state.algorithm).astype(np.float64)
    references = [_Reference(weights, data) for data in clients]
    for _ in range(5):
      output = algorithm.process.next(state, client_states, clients)
      trained = np.array([each.train(weights) for each in references])
      num_keepers = np.sum([each.ticket for each in references], axis=0)
      weights = trained.sum(axis=0) / num_keepers
      state, client_states = output.state, output.client_states
      self.assertAllClose(
          one_round.join(state.algorithm), weights, rtol=0, atol=1e-6
      )
      for each, client_state in zip(references, client_states):
        self.assertAllEqual(_find_ticket(client_state), each.ticket)
    # Half of both kernels and all biases.
    self.assertEqual([each.ticket.sum() for each in references], [31, 31, 55])

  def test_a_weight_that_nobody_keeps_stays_as_it_is(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    output = algorithm.process.next(state, client_states[:1], clients[:1])
    dropped = ~_find_ticket(output.client_states[0])
    self.assertEqual(dropped.sum(), 9)
    self.assertAllEqual(
        one_round.join(output.state.algorithm)[dropped],
        one_round.join(state.algorithm)[dropped],
    )

  def test_only_the_ticket_is_counted(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    first = algorithm.process.next(state, client_states, clients)
    sizes = [_find_ticket(each).sum() for each in first.client_states]
    self.assertEqual(sizes, [46, 46, 55])
    # Two tickets are new: seven bytes each.
    self.assertEqual(first.metrics['bytes_up'], 4 * sum(sizes) + 2 * 7)
    self.assertEqual(first.metrics['bytes_down'], 3 * (4 * 55 + 4))
    second = algorithm.process.next(first.state, first.client_states, clients)
    self.assertEqual(second.metrics['bytes_down'], 4 * sum(sizes) + 3 * 4)

  def test_a_client_that_is_not_good_enough_does_not_prune(self):
    algorithm = _build(accuracy_threshold=1.1)
    state, client_states, clients = _start(algorithm)
    output = algorithm.process.next(state, client_states, clients)
    for client_state in output.client_states:
      self.assertTrue(_find_ticket(client_state).all())

  def test_a_personal_model_is_not_rewound(self):
    algorithm = _build()
    state, client_states, clients = _start(algorithm)
    output = algorithm.process.next(state, client_states, clients)
    client_state = output.client_states[0]
    model = algorithm.build_personal_model(
        output.state, client_state, clients[0]
    )
    ticket = _find_ticket(client_state)
    weights = one_round.join(output.state.algorithm) * ticket
    gradient = one_round.find_gradient(
        weights, clients[0]['x'], clients[0]['y']
    )
    self.assertAllClose(
        one_round.join(model.trainable_variables),
        weights - one_round.LEARNING_RATE * gradient * ticket,
        rtol=0,
        atol=1e-6,
    )


if __name__ == '__main__':
  tf.test.main()
