import collections
import unittest

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import in_process

_FLOAT_AT_SERVER = tff.FederatedType(np.float32, tff.SERVER)
_FLOAT_AT_CLIENTS = tff.FederatedType(np.float32, tff.CLIENTS)
_EXAMPLES = tff.StructWithPythonType(
    [
        ('x', tff.TensorType(np.float32, [None, 2])),
        ('y', tff.TensorType(np.int32, [None])),
        ('client_id', tff.TensorType(np.int32)),
    ],
    collections.OrderedDict,
)


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


@tff.tensorflow.computation(np.float32)
def _square(value):
  return value * value


@tff.tensorflow.computation(np.float32, np.float32)
def _add(first, second):
  return first + second


@tff.tensorflow.computation(np.float32, np.float32)
def _subtract(first, second):
  return first - second


@tff.federated_computation(_FLOAT_AT_CLIENTS)
def _sum_of_squares(values):
  return tff.federated_sum(tff.federated_map(_square, values))


@tff.tensorflow.computation(_EXAMPLES)
def _describe(examples):
  return (
      tf.reduce_sum(examples['x'], 0), tf.size(examples['y']),
      examples['client_id'],
  )


@tff.federated_computation(tff.FederatedType(_EXAMPLES, tff.CLIENTS))
def _describe_clients(examples):
  return tff.federated_map(_describe, examples)


def _make_examples(num_examples, client_id):
  return collections.OrderedDict(
      x=np.ones([num_examples, 2], np.float32),
      y=np.zeros([num_examples], np.int32),
      client_id=np.int32(client_id),
  )


class IntrinsicsTest(unittest.TestCase):

  def test_sums_mapped_values(self):
    result = _sum_of_squares([1.0, 2.0, 3.0])
    self.assertEqual(result, 14.0)
    self.assertIsInstance(result, np.float32)

  def test_sums_no_clients_to_zero(self):
    self.assertEqual(_sum_of_squares([]), 0.0)

  def test_takes_means(self):
    @tff.federated_computation(_FLOAT_AT_CLIENTS, _FLOAT_AT_CLIENTS)
    def take_means(values, weights):
      return (
          tff.federated_mean(values), tff.federated_mean(values, weights)
      )

    self.assertEqual(take_means([1.0, 2.0], [1.0, 3.0]), (1.5, 1.75))

  def test_takes_least_and_greatest(self):
    @tff.federated_computation(_FLOAT_AT_CLIENTS)
    def take_range(values):
      return tff.federated_min(values), tff.federated_max(values)

    self.assertEqual(take_range([2.0, -1.0, 5.0]), (-1.0, 5.0))

  def test_sums_securely_typed_values_in_the_clear(self):
    @tff.federated_computation(tff.FederatedType(np.int32, tff.CLIENTS))
    def add(values):
      return tff.federated_secure_sum(values, 10)

    self.assertEqual(add([1, 2, 3]), 6)

  def test_runs_an_aggregation_of_an_aggregation(self):
    @tff.federated_computation(_FLOAT_AT_CLIENTS)
    def sum_of_squared_deviations(values):
      squares = tff.federated_map(_square, values)
      mean = tff.federated_broadcast(tff.federated_mean(squares))
      deviations = tff.federated_map(_subtract, (squares, mean))
      return tff.federated_sum(tff.federated_map(_square, deviations))

    # The squares are 1, 4, 16; their mean is 7.
    self.assertEqual(sum_of_squared_deviations([1.0, 2.0, 4.0]), 36 + 9 + 81)

  def test_keeps_a_private_state_for_each_client(self):
    @tff.federated_computation(
        _FLOAT_AT_SERVER, _FLOAT_AT_CLIENTS, _FLOAT_AT_CLIENTS
    )
    def run_round(state, client_states, data):
      client_states = tff.federated_map(_add, (client_states, data))
      state = tff.federated_map(
          _add, (state, tff.federated_sum(client_states))
      )
      return state, client_states, tff.federated_mean(data)

    state, client_states, mean = run_round(1.0, [10.0, 20.0], [1.0, 2.0])
    self.assertEqual(state, 34.0)
    self.assertEqual(client_states, [11.0, 22.0])
    self.assertEqual(mean, 1.5)
    self.assertEqual(
        run_round(state, client_states, [0.0, 0.0])[1], [11.0, 22.0]
    )

  def test_returns_what_clients_were_given(self):
    @tff.federated_computation(_FLOAT_AT_SERVER, _FLOAT_AT_CLIENTS)
    def pair(value, values):
      value = tff.federated_broadcast(value)
      return tff.federated_zip((value, values)), value

    self.assertEqual(pair(5.0, [1.0, 2.0]), ([(5.0, 1.0), (5.0, 2.0)], 5.0))

  def test_evaluates_at_clients_and_at_the_server(self):
    @tff.tensorflow.computation
    def two():
      return tf.constant(2.0)

    @tff.federated_computation(_FLOAT_AT_CLIENTS)
    def evaluate(values):
      at_clients = tff.federated_eval(two, tff.CLIENTS)
      at_server = tff.federated_eval(two, tff.SERVER)
      return tff.federated_sum(at_clients), at_server, tff.federated_sum(values)

    self.assertEqual(evaluate([1.0, 2.0, 3.0]), (6.0, 2.0, 6.0))

  def test_calls_an_unplaced_computation(self):
    self.assertEqual(_add(1.0, 2.0), 3.0)

  def test_returns_strings_and_structs(self):
    @tff.tensorflow.computation
    def make():
      return collections.OrderedDict(b=tf.constant('x'), a=tf.zeros([0, 2]))

    result = make()
    self.assertEqual(list(result), ['b', 'a'])
    self.assertEqual(result['b'], b'x')
    self.assertEqual(result['a'].shape, (0, 2))

  def test_names_an_intrinsic_that_is_not_supported(self):
    @tff.tensorflow.computation(np.int32)
    def get_max(server_value):
      return server_value

    @tff.tensorflow.computation(np.int32, np.int32)
    def select(server_value, key):
      return server_value + key

    keys_type = tff.FederatedType(tff.TensorType(np.int32, [1]), tff.CLIENTS)
    server_type = tff.FederatedType(np.int32, tff.SERVER)

    @tff.federated_computation(keys_type, server_type)
    def select_slices(keys, value):
      max_key = tff.federated_map(get_max, value)
      return tff.federated_select(keys, max_key, value, select)

    with self.assertRaisesRegex(NotImplementedError, 'federated_select'):
      select_slices([np.array([0], np.int32)], 2)


class ArgumentsTest(unittest.TestCase):

  def test_takes_arrays_and_tensors(self):
    arrays = _make_examples(3, client_id=7)
    tensors = tf.nest.map_structure(tf.constant, _make_examples(1, 8))
    first, second = _describe_clients([arrays, tensors])
    np.testing.assert_array_equal(first[0], [3.0, 3.0])
    self.assertEqual(first[1:], (3, 7))
    np.testing.assert_array_equal(second[0], [1.0, 1.0])
    self.assertEqual(second[1:], (1, 8))

  def test_takes_datasets_and_lists_of_batches(self):
    batch_type = collections.OrderedDict(
        x=tff.TensorType(np.float32, [None]), b=tff.TensorType(np.int32)
    )

    @tff.tensorflow.computation(tff.SequenceType(batch_type))
    def add_all(dataset):
      return dataset.reduce(
          0.0, lambda total, batch: total + tf.reduce_sum(batch['x'])
      )

    @tff.federated_computation(
        tff.FederatedType(tff.SequenceType(batch_type), tff.CLIENTS)
    )
    def add_at_clients(datasets):
      return tff.federated_map(add_all, datasets)

    batches = [
        collections.OrderedDict(x=np.float32([1, 2]), b=np.int32(0)),
        collections.OrderedDict(x=np.float32([4]), b=np.int32(0)),
    ]
    dataset = tf.data.Dataset.from_tensors(batches[0]).repeat(2)
    self.assertEqual(add_at_clients([batches, dataset, []]), [7.0, 6.0, 0.0])

  def test_raises_on_another_dtype(self):
    examples = _make_examples(2, 0)
    examples['y'] = examples['y'].astype(np.int64)
    with self.assertRaisesRegex(
        TypeError, r'Client 1: `.*\.y` must be .*int32\[\?\].*found int64'
    ):
      _describe_clients([_make_examples(2, 0), examples])

  def test_raises_on_another_shape(self):
    examples = _make_examples(2, 0)
    examples['x'] = np.ones([2, 3], np.float32)
    with self.assertRaisesRegex(
        TypeError, r'`.*\.x` must be .*float32\[\?,2\].*found shape \(2, 3\)'
    ):
      _describe_clients([examples])

  def test_raises_on_another_structure(self):
    examples = _make_examples(2, 0)
    del examples['client_id']
    with self.assertRaisesRegex(TypeError, r"client_id.*found \['x', 'y'\]"):
      _describe_clients([examples])

  def test_raises_on_a_dataset_of_other_elements(self):
    @tff.tensorflow.computation(tff.SequenceType(np.float32))
    def count(dataset):
      return dataset.reduce(0, lambda total, _: total + 1)

    with self.assertRaisesRegex(TypeError, r'float32\*, found.*int64'):
      count(tf.data.Dataset.range(3))

  def test_raises_on_a_single_value_for_all_clients(self):
    with self.assertRaisesRegex(TypeError, 'list with one value for each'):
      _sum_of_squares(np.float32(1.0))

  def test_raises_on_lists_of_different_lengths(self):
    @tff.federated_computation(_FLOAT_AT_CLIENTS, _FLOAT_AT_CLIENTS)
    def add(first, second):
      return tff.federated_sum(tff.federated_map(_add, (first, second)))

    with self.assertRaisesRegex(ValueError, 'found 2 and 1'):
      add([1.0, 2.0], [1.0])

  def test_raises_on_an_unknown_number_of_clients(self):
    @tff.federated_computation
    def count():
      return tff.federated_sum(tff.federated_value(np.int32(1), tff.CLIENTS))

    with self.assertRaisesRegex(ValueError, 'number of clients must follow'):
      count()

  def test_an_error_of_a_client_ends_the_round(self):
    @tff.tensorflow.computation(np.float32)
    def check(value):
      with tf.control_dependencies([tf.debugging.assert_positive(value)]):
        return tf.identity(value)

    @tff.federated_computation(_FLOAT_AT_CLIENTS)
    def add_positive(values):
      return tff.federated_sum(tff.federated_map(check, values))

    with self.assertRaises(tf.errors.InvalidArgumentError):
      add_positive([1.0, -1.0] * 10)
    self.assertEqual(add_positive([1.0, 2.0]), 3.0)


if __name__ == '__main__':
  unittest.main()
