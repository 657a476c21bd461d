import collections
import os
import pathlib
import signal
import tempfile
import threading
import time
import unittest

import numpy as np
import portpicker
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import cluster
from tff_hidenseek.runtimes import in_process
from tff_hidenseek.runtimes import worker
from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_process

_FLOATS = tff.FederatedType(np.float32, tff.CLIENTS)


def _build_waiting_sum(folder):
  """Builds a sum whose clients write a file, then wait for the file `go`."""

  @tff.tensorflow.computation(np.float32)
  def wait(value):
    write = tf.io.write_file(
        tf.strings.join([folder, '/started_', tf.strings.as_string(value)]), ''
    )
    with tf.control_dependencies([write]):
      # The pattern differs in every step, or the search leaves the loop.
      (step,) = tf.while_loop(
          lambda step: tf.size(
              tf.io.matching_files(
                  tf.strings.join(
                      [folder, '/g[o', tf.strings.as_string(step % 10), ']']
                  )
              )
          )
          < 1,
          lambda step: (step + 1,),
          (tf.constant(0),),
      )
    with tf.control_dependencies([step]):
      return tf.identity(value)

  @tff.federated_computation(_FLOATS)
  def add(values):
    return tff.federated_sum(tff.federated_map(wait, values))

  return add


@tff.tensorflow.computation(np.float32, np.float32)
def _add(first, second):
  return tf.Variable(first) + second


@tff.federated_computation(
    tff.FederatedType(np.float32, tff.SERVER), _FLOATS, _FLOATS
)
def _run_round(state, client_states, data):
  client_states = tff.federated_map(_add, (client_states, data))
  state = tff.federated_map(_add, (state, tff.federated_sum(client_states)))
  return state, client_states, tff.federated_mean(data)


class ClusterTest(unittest.TestCase):
  """Two workers, their ports 0 and 1; a test may kill them."""

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls._ports = [portpicker.pick_unused_port() for _ in range(2)]
    cls._workers = [None, None]

  @classmethod
  def tearDownClass(cls):
    for process in cls._workers:
      process.stop()
    super().tearDownClass()

  def setUp(self):
    super().setUp()
    for index in range(2):
      self._start(index)
    context = cluster.create_cluster_context(
        [f'localhost:{port}' for port in self._ports], worker_timeout=2.0
    )
    self.enterContext(tff.framework.get_context_stack().install(context))

  def enterContext(self, context):  # Until Python 3.11 is the oldest.
    result = context.__enter__()
    self.addCleanup(context.__exit__, None, None, None)
    return result

  def _start(self, index):
    if self._workers[index] is None or not self._workers[index].is_running:
      self._workers[index] = worker_process.WorkerProcess(self._ports[index])
      target = f'localhost:{self._ports[index]}'
      with worker_channel.open_channel(target) as channel:
        worker_process.wait_until_alive(self._workers[index], channel, 30.0)

  def _disturb_a_round(self, disturb):
    """Returns the result of a round with `disturb()` in its midst."""
    folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
    add = _build_waiting_sum(str(folder))
    context = tff.framework.get_context_stack().current
    results = []

    def run():
      with tff.framework.get_context_stack().install(context):
        results.append(add([1.0, 2.0]))

    thread = threading.Thread(target=run)
    thread.start()
    while len(list(folder.glob('started_*'))) < 2:
      time.sleep(0.02)
    disturb()
    (folder / 'go').touch()
    thread.join()
    return results[0]

  def test_keeps_a_private_state_for_each_client(self):
    state, client_states, mean = _run_round(
        1.0, [10.0, 20.0, 30.0], [1.0, 2.0, 3.0]
    )
    self.assertEqual(state, 67.0)
    self.assertEqual(client_states, [11.0, 22.0, 33.0])
    self.assertEqual(mean, 2.0)

  def test_runs_fewer_clients_than_workers(self):
    self.assertEqual(_run_round(1.0, [10.0], [1.0]), (12.0, [11.0], 1.0))
    self.assertEqual(_run_round(1.0, [], [])[:2], (1.0, []))

  def test_moves_clients_of_a_worker_that_dies(self):
    self.assertEqual(self._disturb_a_round(self._workers[0].stop), 3.0)

  def test_moves_clients_of_a_worker_that_hangs(self):
    def hang():
      os.kill(self._workers[1].pid, signal.SIGSTOP)

    self.assertEqual(self._disturb_a_round(hang), 3.0)
    self._workers[1].stop()

  def test_waits_for_a_worker_that_comes_back(self):
    def restart():
      for process in self._workers:
        process.stop()
      self._start(1)

    self.assertEqual(self._disturb_a_round(restart), 3.0)

  def test_raises_without_a_live_worker_and_uses_one_that_comes_back(self):
    for process in self._workers:
      process.stop()
    with self.assertRaisesRegex(
        worker_channel.WorkerError, 'No live worker .* within 2 s'
    ):
      _run_round(1.0, [10.0], [1.0])
    self._start(0)
    self.assertEqual(_run_round(1.0, [10.0], [1.0])[0], 12.0)

  def test_raises_the_error_of_a_computation_at_once(self):
    @tff.tensorflow.computation(np.float32)
    def check(value):
      with tf.control_dependencies([tf.debugging.assert_positive(value)]):
        return tf.identity(value)

    @tff.federated_computation(_FLOATS)
    def add_positive(values):
      return tff.federated_sum(tff.federated_map(check, values))

    with self.assertRaisesRegex(
        worker_channel.WorkerError,
        r'^The worker at localhost:.* failed: .*-1\]$',
    ):
      add_positive([1.0, -1.0])

  def test_a_round_equals_the_rounds_of_the_other_runtimes(self):
    model = tff.learning.models.functional_model_from_keras(
        tf.keras.Sequential([
            tf.keras.layers.InputLayer([4]), tf.keras.layers.Dense(3)
        ]),
        tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        collections.OrderedDict(
            x=tf.TensorSpec([None, 4]), y=tf.TensorSpec([None], tf.int32)
        ),
    )
    process = tff.learning.algorithms.build_weighted_fed_avg(
        model,
        client_optimizer_fn=tff.learning.optimizers.build_sgdm(0.1),
        model_aggregator=tff.learning.robust_aggregator(),
    )
    rng = np.random.default_rng(0)
    data = [
        tf.data.Dataset.from_tensor_slices(
            collections.OrderedDict(
                x=rng.normal(size=[size, 4]).astype(np.float32),
                y=rng.integers(0, 3, size, np.int32),
            )
        ).batch(4)
        for size in (5, 8, 3)
    ]
    state = process.initialize()
    rounds = [process.next(state, data)]
    for context in (
        in_process.create_in_process_context(), worker.create_worker_context()
    ):
      with tff.framework.get_context_stack().install(context):
        rounds.append(process.next(state, data))
    weights = [
        tf.nest.flatten(output.state.global_model_weights.trainable)
        for output in rounds
    ]
    for others in weights[1:]:
      for first, second in zip(weights[0], others):
        np.testing.assert_allclose(first, second, rtol=0, atol=1e-6)


class ClusterArgumentsTest(unittest.TestCase):

  def test_raises_on_an_address_without_a_port(self):
    with self.assertRaisesRegex(ValueError, "`workers` must be .*'somewhere'"):
      cluster.create_cluster_context(['somewhere'])

  def test_raises_on_no_workers(self):
    with self.assertRaisesRegex(ValueError, '`workers` must name at least one'):
      cluster.create_cluster_context([])

  def test_raises_on_a_timeout_of_zero(self):
    with self.assertRaisesRegex(ValueError, '`worker_timeout` must be'):
      cluster.create_cluster_context(['localhost:1'], worker_timeout=0)


if __name__ == '__main__':
  unittest.main()
