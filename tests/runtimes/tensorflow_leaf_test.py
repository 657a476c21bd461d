import concurrent.futures
import functools
import unittest

import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import architectures
from tff_hidenseek.runtimes import dataflow_builder
from tff_hidenseek.runtimes import schedule
from tff_hidenseek.runtimes import tensorflow_leaf


def _import(computation):
  proto = tff.framework.ConcreteComputation.get_proto(computation)
  return tensorflow_leaf.TensorFlowLeaf(proto, computation.type_signature)


class TensorFlowLeafTest(unittest.TestCase):

  def test_maps_the_leaves_of_the_parameter_to_those_of_the_result(self):
    @tff.tensorflow.computation([('b', np.float32), ('a', np.int32)])
    def swap(values):
      return values['a'], (values['b'], tf.constant('text'))

    results = _import(swap)([tf.constant(1.5), tf.constant(2)])
    self.assertEqual([tensor.numpy() for tensor in results], [2, 1.5, b'text'])

  def test_initialises_variables_in_each_call(self):
    @tff.tensorflow.computation(np.float32)
    def add_twice(value):
      variable = tf.Variable(10.0)
      with tf.control_dependencies([variable.assign_add(value)]):
        with tf.control_dependencies([variable.assign_add(value)]):
          return variable.read_value()

    leaf = _import(add_twice)
    for _ in range(3):
      self.assertEqual(leaf([tf.constant(1.0)])[0].numpy(), 12.0)

  def test_threads_have_variables_of_their_own(self):
    @tff.tensorflow.computation(np.int32)
    def count_to(limit):
      variable = tf.Variable(0)

      def is_below(steps):
        # A graph's loop may read before the step before has written.
        with tf.control_dependencies([steps]):
          return variable.read_value() < limit

      def add_one(steps):
        with tf.control_dependencies([steps]):
          return (steps + (variable.assign_add(1) * 0 + 1),)

      (steps,) = tf.while_loop(is_below, add_one, (tf.constant(0),))
      return steps

    leaf = _import(count_to)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
      counts = pool.map(lambda n: leaf([tf.constant(n)])[0].numpy(), [99] * 20)
      self.assertEqual(list(counts), [99] * 20)

  def test_initialises_variables_that_a_function_uses(self):
    @tff.tensorflow.computation(tff.TensorType(np.float32, [None]))
    def add_all(values):
      total = tf.Variable(100.0)

      @tf.function
      def run(values):
        for value in values:
          total.assign_add(value)
        return total.read_value()

      return run(values)

    results = _import(add_all)([tf.constant([1.0, 2.0])])
    self.assertEqual(results[0].numpy(), 103.0)

  def test_functions_of_one_name_do_not_meet(self):
    def build(factor):
      @tff.tensorflow.computation(np.float32)
      def scale(value):
        @tf.function
        def multiply(value):
          return value * factor

        return multiply(value)

      return scale

    leaves = [_import(build(factor)) for factor in (2.0, 3.0)]
    results = [leaf([tf.constant(1.0)])[0].numpy() for leaf in leaves]
    self.assertEqual(results, [2.0, 3.0])

  def test_takes_and_gives_datasets(self):
    @tff.tensorflow.computation(tff.SequenceType(np.int64))
    def double(dataset):
      return dataset.map(lambda value: 2 * value)

    (variant,) = _import(double)(
        [tf.data.experimental.to_variant(tf.data.Dataset.range(3))]
    )
    spec = tf.TensorSpec([], tf.int64)
    dataset = tf.data.experimental.from_variant(variant, spec)
    self.assertEqual(list(dataset.as_numpy_iterator()), [0, 2, 4])

  def test_is_traced_into_a_function(self):
    @tff.tensorflow.computation(np.float32)
    def increment(value):
      return tf.Variable(value).assign_add(1.0)

    leaf = _import(increment)

    @tf.function
    def twice(value):
      return leaf(leaf([value]))

    self.assertEqual(twice(tf.constant(1.0))[0].numpy(), 3.0)

  def test_traces_a_deep_network_whatever_the_order_of_its_nodes(self):
    task = federated_algorithm.LearningTask(
        functools.partial(architectures.build_vgg16, (32, 32, 3), 10),
        input_shape=(32, 32, 3),
        num_classes=10,
        seed=0,
    )
    algorithm = fed_avg.build_fed_avg(task, fed_avg.FedAvgOptions())
    native = dataflow_builder.compile_to_native(algorithm.process.next)
    flow = dataflow_builder.build_dataflow(native.to_building_block())
    (clients,) = [
        current.clients
        for current in schedule.build_schedule(flow)
        if current.clients.calls
    ]
    # TensorFlow visits nodes in the order of their addresses.
    for _ in range(20):
      attrs.evolve(clients).trace(1)



if __name__ == '__main__':
  unittest.main()
