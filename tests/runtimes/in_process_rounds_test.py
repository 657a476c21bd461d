import collections
import os
import pathlib
import subprocess
import sys
import textwrap
import unittest

import numpy as np
import psutil
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import worker

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _build_fed_avg():
  keras_model = tf.keras.Sequential([
      tf.keras.layers.InputLayer([6, 6, 1]),
      tf.keras.layers.Conv2D(4, 3, activation='relu'),
      tf.keras.layers.Flatten(),
      tf.keras.layers.Dense(3),
  ])
  model = tff.learning.models.functional_model_from_keras(
      keras_model,
      tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
      collections.OrderedDict(
          x=tf.TensorSpec([None, 6, 6, 1]), y=tf.TensorSpec([None], tf.int32)
      ),
      metrics_constructor=lambda: collections.OrderedDict(
          accuracy=tf.keras.metrics.SparseCategoricalAccuracy()
      ),
  )
  return tff.learning.algorithms.build_weighted_fed_avg(
      model,
      client_optimizer_fn=tff.learning.optimizers.build_sgdm(0.1),
      server_optimizer_fn=tff.learning.optimizers.build_adam(0.01),
      model_aggregator=tff.learning.robust_aggregator(
          zeroing=True, clipping=True
      ),
  )


class FedAvgTest(unittest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._process = _build_fed_avg()
    rng = np.random.default_rng(0)
    cls._data = [
        tf.data.Dataset.from_tensor_slices(
            collections.OrderedDict(
                x=rng.normal(size=[size, 6, 6, 1]).astype(np.float32),
                y=rng.integers(0, 3, size, np.int32),
            )
        ).batch(4)
        for size in (8, 3, 11, 6, 9)
    ]
    cls._state = cls._process.initialize()

  def _run_round(self, context):
    with tff.framework.get_context_stack().install(context):
      output = self._process.next(self._state, self._data)
    return tf.nest.flatten(
        (output.state.global_model_weights.trainable, output.metrics)
    )

  def test_a_round_equals_the_round_of_the_worker(self):
    here = self._run_round(in_process.create_in_process_context())
    there = self._run_round(worker.create_worker_context())
    self.assertEqual(len(here), len(there))
    for first, second in zip(here, there):
      np.testing.assert_allclose(first, second, rtol=0, atol=1e-6)

  def test_a_round_has_the_same_bits_on_any_number_of_threads(self):
    rounds = [
        self._run_round(in_process.create_in_process_context(num_threads))
        for num_threads in (1, 2, 5)
    ]
    for others in rounds[1:]:
      for first, second in zip(rounds[0], others):
        np.testing.assert_array_equal(first, second)


class MemoryTest(unittest.TestCase):

  def test_memory_does_not_grow_with_clients(self):
    size = 2**18  # 1 MiB a client, which all held would be 400 MiB.

    @tff.tensorflow.computation(np.float32)
    def spread(value):
      ones = tf.ones([size])
      variable = tf.Variable(tf.zeros([size]))
      with tf.control_dependencies([variable.assign_add(ones * value)]):
        return variable.read_value()

    @tff.federated_computation(tff.FederatedType(np.float32, tff.CLIENTS))
    def add(values):
      return tff.federated_sum(tff.federated_map(spread, values))

    process = psutil.Process()
    add([1.0] * 10)
    before = process.memory_info().rss
    self.assertEqual(add([1.0] * 400)[0], 400.0)
    self.assertLess(process.memory_info().rss - before, 50 * 2**20)


class DevicesTest(unittest.TestCase):

  def test_clients_run_on_the_devices_in_turn(self):
    program = textwrap.dedent("""
        import numpy as np
        import tensorflow as tf
        import tensorflow_federated as tff
        from tff_hidenseek.runtimes import in_process

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices('CPU')[0],
            [tf.config.LogicalDeviceConfiguration()] * 3,
        )
        context = in_process.create_in_process_context(
            client_devices=['CPU:1', 'CPU:2']
        )
        assert tf.config.threading.get_intra_op_parallelism_threads() >= 1
        seen = []
        call = tf.raw_ops.StatefulPartitionedCall

        def record(**arguments):
          results = call(**arguments)
          seen.append([tensor.device[-5:] for tensor in results])
          return results

        tf.raw_ops.StatefulPartitionedCall = record
        tff.framework.set_default_context(context)

        @tff.tensorflow.computation(np.float32, np.float32)
        def shift(value, shift):
          return tf.Variable(value) + shift

        @tff.federated_computation(
            tff.FederatedType(np.float32, tff.CLIENTS),
            tff.FederatedType(np.float32, tff.SERVER),
        )
        def shift_clients(values, shift_by):
          shift_by = tff.federated_broadcast(shift_by)
          return tff.federated_map(shift, (values, shift_by))

        assert shift_clients([1.0, 2.0, 3.0], 10.0) == [11.0, 12.0, 13.0]
        assert sorted(seen) == [['CPU:1'], ['CPU:1'], ['CPU:2']], seen

        try:
          in_process.create_in_process_context(client_devices=['CPU:7'])
        except ValueError as error:
          assert '`client_devices` must be among' in str(error), error
        else:
          raise AssertionError('CPU:7 exists.')
    """)
    subprocess.run(
        [sys.executable, '-c', program],
        check=True,
        env={**os.environ, 'PYTHONPATH': str(_ROOT)},
    )

  def test_raises_on_no_threads(self):
    with self.assertRaisesRegex(ValueError, 'at least 1, found 0'):
      in_process.create_in_process_context(client_threads=0)


if __name__ == '__main__':
  unittest.main()
