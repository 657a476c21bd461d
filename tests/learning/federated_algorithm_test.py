"""What holds for the federated computations whatever the algorithm."""

import functools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import boundary
from tests.learning import tiny_task
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


class _ConstantClassWork(client_work.ClientWork):
  """Answers the class it is sent; training makes it the class opposite.

  Its loss is its own number, it sends its mean pixel and five zeros, and it
  keeps how often it took part.
  """

  def __init__(self, is_stateful):
    self.model = tiny_task.build_linear(layer_sets.DenseLayers())
    self.personal_model = self.model
    self._bias = self.model.trainable_variables[1]
    self._is_stateful = is_stateful
    self._rounds = tf.Variable(0)
    self._mean = tf.Variable(0.0)

  def start(self, message, client_state):
    self._bias.assign(tf.one_hot(tf.cast(message, tf.int32), 3))
    if self._is_stateful:
      self._rounds.assign(client_state)

  def train(self, data, seed):
    del seed
    self._rounds.assign_add(1)
    self._bias.assign(tf.reverse(self._bias, [0]))
    self._mean.assign(tf.reduce_mean(data['x']))
    return tf.cast(data['client_id'], tf.float32)

  def make_upload(self, seed):
    del seed
    return [self._mean.read_value(), tf.zeros([5])]

  def make_client_state(self):
    return self._rounds.read_value() if self._is_stateful else ()


@functools.lru_cache(maxsize=None)
def _build(is_stateful, is_weighted):
  """Builds an algorithm whose state is the last mean, and at first 2."""
  factory = tff.aggregators.UnweightedMeanFactory()
  if is_weighted:
    factory = tff.aggregators.MeanFactory()
  return federated_process.build_federated_algorithm(
      tiny_task.make_task(tiny_task.build_linear),
      federated_algorithm.Method(
          initial_state=np.array(2, np.float32),
          make_message=lambda state: tf.cast(state, tf.float64),
          build_client=lambda: _ConstantClassWork(is_stateful),
          aggregation_factory=factory,
          update_server=lambda state, mean: (
              mean[0], dict(step=mean[0] - state)
          ),
          layer_densities=dict(logits=1.0),
          num_weights=27,
          initial_client_state=np.array(0, np.int32) if is_stateful else None,
      ),
  )


# Whether clients keep state, and whether they are weighted.
_CASES = ((False, False), (True, True))
_CLIENTS = tiny_task.make_clients(1, 2, 3)


class _EchoWork(_ConstantClassWork):
  """The same, but its loss is what it was sent."""

  def start(self, message, client_state):
    super().start(message, client_state)
    self._sent = tf.cast(message, tf.float32)

  def train(self, data, seed):
    super().train(data, seed)
    return self._sent


@functools.lru_cache(maxsize=None)
def _build_with_final_message():
  """Builds an algorithm that sends 1 in rounds and 0 at the end."""
  return federated_process.build_federated_algorithm(
      tiny_task.make_task(tiny_task.build_linear),
      federated_algorithm.Method(
          initial_state=np.array(1, np.float32),
          make_message=lambda state: state,
          make_final_message=lambda state: state - 1,
          build_client=lambda: _EchoWork(False),
          aggregation_factory=tff.aggregators.UnweightedMeanFactory(),
          update_server=lambda state, mean: (state, dict(step=mean[0])),
          layer_densities=dict(logits=1.0),
          num_weights=27,
      ),
  )


class TypesTest(tf.test.TestCase):

  def test_a_round_broadcasts_once(self):
    for case in _CASES:
      (down,) = boundary.find_crossing(_build(*case).process.next).down
      self.assertEqual(
          tff.structure.flatten(down),
          [tff.TensorType(np.int32), tff.TensorType(np.float64)],
      )

  def test_clients_states_stay_at_the_clients(self):
    parameter = _build(True, True).process.next.type_signature.parameter
    states_type = tff.FederatedType(np.int32, tff.CLIENTS)
    self.assertEqual(parameter['client_states'], states_type)
    result = _build(True, True).process.next.type_signature.result
    self.assertEqual(result['client_states'], states_type)
    parameter = _build(False, False).process.next.type_signature.parameter
    self.assertLen(parameter, 2)


class ExecutionTest(tf.test.TestCase):

  def _run_round(self, algorithm):
    state = algorithm.process.initialize()
    if algorithm.initial_client_state is None:
      return algorithm.process.next(state, _CLIENTS)
    client_states = [np.int32(number) for number in (7, 0, 4)]
    return algorithm.process.next(state, client_states, _CLIENTS)

  def test_the_round_is_counted(self):
    for case in _CASES:
      algorithm = _build(*case)
      self.assertEqual(algorithm.process.initialize().round_num, 0)
      self.assertEqual(self._run_round(algorithm).state.round_num, 1)

  def test_the_state_is_the_aggregate_of_the_uploads(self):
    means = [tf.reduce_mean(data['x']).numpy() for data in _CLIENTS]
    for is_stateful, is_weighted in _CASES:
      output = self._run_round(_build(is_stateful, is_weighted))
      expected = np.average(means, weights=[1, 2, 3] if is_weighted else None)
      self.assertAllClose(output.state.algorithm, expected)
      self.assertAllClose(output.metrics['step'], expected - 2)

  def test_the_loss_is_the_mean_over_examples(self):
    for case in _CASES:
      metrics = self._run_round(_build(*case)).metrics
      self.assertAllClose(metrics['train_loss'], (0 * 1 + 1 * 2 + 2 * 3) / 6)

  def test_bytes_are_those_of_the_uploads_and_the_broadcast(self):
    for is_stateful, is_weighted in _CASES:
      metrics = self._run_round(_build(is_stateful, is_weighted)).metrics
      up = 4 + 5 * 4 + (4 if is_weighted else 0)
      self.assertEqual(metrics['bytes_up'], 3 * up)
      self.assertEqual(metrics['bytes_down'], 3 * (4 + 8))

  def test_each_client_gets_its_own_state_back(self):
    states = self._run_round(_build(True, True)).client_states
    self.assertAllEqual(states, [8, 1, 5])

  def test_evaluation_sums_the_shards(self):
    labels = np.concatenate([data['y'] for data in _CLIENTS])
    for case in _CASES:
      algorithm = _build(*case)
      counts = algorithm.evaluate(algorithm.process.initialize(), _CLIENTS)
      self.assertEqual(counts['num_correct'], (labels == 2).sum())
      self.assertEqual(counts['num_examples'], 6)

  def test_personal_evaluation_trains_first_and_keeps_clients_apart(self):
    tests = tiny_task.make_clients(5, 1, 9)
    for is_stateful, is_weighted in _CASES:
      algorithm = _build(is_stateful, is_weighted)
      states = ([np.int32(0)] * 3,) if is_stateful else ()
      counts = algorithm.evaluate_personal(
          algorithm.process.initialize(), *states, _CLIENTS, tests
      )
      for count, data in zip(counts, tests):
        self.assertEqual(
            count['num_correct'], np.count_nonzero(data['y'] == 0)
        )
        self.assertEqual(count['num_examples'], len(data['y']))

  def test_models_are_those_that_are_evaluated(self):
    for is_stateful, is_weighted in _CASES:
      algorithm = _build(is_stateful, is_weighted)
      state = algorithm.process.initialize()
      x = _CLIENTS[2]['x']
      model = algorithm.build_global_model(state)
      self.assertAllEqual(tf.argmax(model(x), axis=1), [2] * 3)
      model = algorithm.build_personal_model(
          state, algorithm.initial_client_state, _CLIENTS[2]
      )
      self.assertAllEqual(tf.argmax(model(x), axis=1), [0] * 3)

  def test_the_final_message_is_what_evaluations_and_models_use(self):
    algorithm = _build_with_final_message()
    state = algorithm.process.initialize()
    metrics = algorithm.process.next(state, _CLIENTS).metrics
    self.assertEqual(metrics['train_loss'], 1)
    test = tiny_task.make_client(20, 3)
    num_of_class = np.bincount(test['y'], minlength=3)
    self.assertLen(set(num_of_class), 3)
    counts = algorithm.evaluate(state, [test])
    self.assertEqual(counts['num_correct'], num_of_class[0])
    (counts,) = algorithm.evaluate_personal(state, _CLIENTS[:1], [test])
    self.assertEqual(counts['num_correct'], num_of_class[2])
    for model, expected in (
        (algorithm.build_global_model(state), 0),
        (algorithm.build_personal_model(state, None, _CLIENTS[0]), 2),
    ):
      predicted = tf.argmax(model(test['x']), axis=1)
      self.assertAllEqual(predicted, [expected] * 20)

  def test_model_weights_can_be_read_and_replaced(self):
    process = _build(False, False).process
    state = process.initialize()
    self.assertEqual(process.get_model_weights(state), 2)
    state = process.set_model_weights(state, np.float32(5))
    self.assertEqual(process.get_model_weights(state), 5)
    self.assertEqual(state.round_num, 0)


if __name__ == '__main__':
  tf.test.main()
