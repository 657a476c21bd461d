import functools

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import boundary
from tests.learning import numpy_reference
from tests.learning import tiny_task
from tff_hidenseek.algorithms import fed_avg
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

# Of two layers with their biases: 9 x 4 + 4 + 4 x 3 + 3.
_NUM_WEIGHTS = 55


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


def _options(**choices):
  # Batches of whole clients: their order does not matter.
  options = dict(
      client_optimizer='sgd',
      client_learning_rate=0.5,
      num_epochs=3,
      batch_size=100,
  )
  return fed_avg.FedAvgOptions(**{**options, **choices})


@functools.lru_cache(maxsize=None)
def _build():
  return fed_avg.build_fed_avg(tiny_task.make_task(), _options())


class TypesTest(tf.test.TestCase):

  def test_all_weights_travel_as_float32_both_ways(self):
    algorithm = _build()
    crossing = boundary.find_crossing(algorithm.process.next)
    for sent in (crossing.down, crossing.up):
      leaves = sum((tff.structure.flatten(value) for value in sent), [])
      weights = [leaf for leaf in leaves if leaf.shape]
      self.assertTrue(all(leaf.dtype == np.float32 for leaf in weights))
      self.assertEqual(
          sum(np.prod(leaf.shape) for leaf in weights), _NUM_WEIGHTS
      )

  def test_is_a_learning_process(self):
    self.assertIsInstance(
        _build().process, tff.learning.templates.LearningProcess
    )


class ExecutionTest(tf.test.TestCase):

  def test_a_round_equals_its_numpy_reference(self):
    algorithm = _build()
    state = algorithm.process.initialize()
    clients = tiny_task.make_clients(9, 4, 6)
    output = algorithm.process.next(state, clients)
    trained, losses = zip(
        *(self._train_in_numpy(state.algorithm, data) for data in clients)
    )
    weights = [9, 4, 6]
    for got, *expected in zip(output.state.algorithm, *trained):
      mean = np.average(expected, axis=0, weights=weights)
      self.assertAllClose(got, mean, rtol=0, atol=1e-6)
    self.assertAllClose(
        output.metrics['train_loss'],
        np.average(losses, weights=weights),
        rtol=0,
        atol=1e-6,
    )

  def _train_in_numpy(self, weights, data):
    """Returns a client's weights after its training, and its mean loss."""
    optimizer = numpy_reference.Optimizer('sgd', 0.5)
    values = [np.asarray(w, np.float64) for w in weights]
    losses = []
    for _ in range(3):
      loss, kernels, biases = numpy_reference.compute_gradients(
          values[::2], values[1::2], data['x'], data['y'].numpy()
      )
      losses.append(loss)
      gradients = [g for pair in zip(kernels, biases) for g in pair]
      values = optimizer.step(values, gradients)
    return values, np.mean(losses)

  def test_bytes_are_four_a_weight_both_ways(self):
    algorithm = _build()
    metrics = algorithm.process.next(
        algorithm.process.initialize(), tiny_task.make_clients(2, 3)
    ).metrics
    self.assertEqual(metrics['bytes_up'], 2 * (4 * _NUM_WEIGHTS + 4))
    self.assertEqual(metrics['bytes_down'], 2 * (4 * _NUM_WEIGHTS + 4))

  def test_the_seed_decides_the_first_weights(self):
    same, other = (
        fed_avg.build_fed_avg(tiny_task.make_task(seed=seed), _options())
        for seed in (0, 1)
    )
    first, second, other = (
        algorithm.process.initialize().algorithm
        for algorithm in (_build(), same, other)
    )
    self.assertAllEqual(first[0], second[0])
    self.assertNotAllEqual(first[0], other[0])

  def test_the_global_model_has_the_weights_of_the_state(self):
    algorithm = _build()
    state = algorithm.process.initialize()
    model = algorithm.build_global_model(state)
    for got, expected in zip(model.get_weights(), state.algorithm):
      self.assertAllEqual(got, expected)

  def test_every_layer_is_dense(self):
    algorithm = _build()
    self.assertEqual(
        algorithm.layer_densities, dict(hidden=1.0, logits=1.0)
    )
    self.assertEqual(algorithm.num_weights, 48)
    self.assertEqual(algorithm.setup_message, ())
    layers = layer_sets.prunable_layers(
        algorithm.build_global_model(algorithm.process.initialize())
    )
    self.assertEqual([x.name for x in layers], ['hidden', 'logits'])


if __name__ == '__main__':
  tf.test.main()
