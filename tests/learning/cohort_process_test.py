"""Cohorts against the same clients one by one."""

import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import tiny_task
from tff_hidenseek.algorithms import registry
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import architectures
from tff_hidenseek.runtimes import contexts

# Their clients keep something between rounds.
_STATEFUL = ('fed_mask', 'lottery_fl')
_STATELESS = [name for name in registry.ALGORITHMS if name not in _STATEFUL]
# Votes are whole numbers, whose sums have the same bits in any order; the
# others are sums of floats.
_EXACT = ('hidenseek', 'fed_pm', 'sign_sgd')


def setUpModule():
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions(client_threads=2))
  )


def _build(name, task, **options):
  entry = registry.ALGORITHMS[name]
  return entry.build(task, entry.options_class(batch_size=4, **options))


def _make_cohorts(clients, bounds):
  return [
      cohort_data.make_cohort(clients[start:stop])
      for start, stop in zip(bounds, bounds[1:])
  ]


def _run(algorithm, clients, bounds, num_rounds=2, **sizes):
  """Returns the outputs of the last round one by one and in cohorts."""
  cohort_algorithm = algorithm.build_cohort_algorithm(**sizes)
  cohorts = _make_cohorts(clients, bounds)
  state = other = algorithm.process.initialize()
  for _ in range(num_rounds):
    output = algorithm.process.next(state, clients)
    cohort_output = cohort_algorithm.next(other, cohorts)
    state, other = output.state, cohort_output.state
  counts = algorithm.evaluate_personal(state, clients, clients)
  cohort_counts = cohort_algorithm.evaluate_personal(state, cohorts, cohorts)
  return output, cohort_output, counts, cohort_counts


class CohortProcessTest(parameterized.TestCase, tf.test.TestCase):

  def _assert_alike(self, name, result):
    output, cohort_output, counts, cohort_counts = result
    self._assert_same_round(name, output, cohort_output)
    for each in ('num_correct', 'num_examples'):
      self.assertAllEqual(
          [count[each] for count in counts],
          np.concatenate([count[each] for count in cohort_counts]),
      )

  def _assert_same_round(self, name, output, cohort_output):
    atol = 0 if name in _EXACT else 1e-6
    tf.nest.assert_same_structure(output.state, cohort_output.state)
    for one, other in zip(
        tf.nest.flatten(output.state), tf.nest.flatten(cohort_output.state)
    ):
      self.assertAllClose(one, other, rtol=0, atol=atol)
    for metric in output.metrics:
      is_loss = metric == 'train_loss'
      self.assertAllClose(
          output.metrics[metric],
          cohort_output.metrics[metric],
          rtol=1e-5 if is_loss else 0,
          atol=0,
      )

  @parameterized.parameters(
      *[(name, 'adam') for name in _STATELESS],
      *[('fed_avg', optimizer) for optimizer in ('sgd', 'momentum')],
  )
  def test_unequal_clients_learn_what_they_learn_one_by_one(
      self, name, optimizer
  ):
    algorithm = _build(
        name, tiny_task.make_task(), num_epochs=2, client_optimizer=optimizer
    )
    clients = tiny_task.make_clients(5, 8, 1, 13, 4)
    self._assert_alike(name, _run(algorithm, clients, [0, 3, 5]))

  # Steps of a known number are traced in a row; the last batch is smaller.
  @parameterized.parameters(
      ('fed_avg', 'adam'),
      ('fed_pm', 'adam'),
      ('hidenseek', 'adam'),
      ('hidenseek', 'sgd'),
      ('hidenseek', 'momentum'),
  )
  def test_clients_of_one_size_learn_what_they_learn_one_by_one(
      self, name, optimizer
  ):
    algorithm = _build(
        name, tiny_task.make_task(), num_epochs=2, client_optimizer=optimizer
    )
    clients = tiny_task.make_clients(6, 6, 6)
    self._assert_alike(
        name, _run(algorithm, clients, [0, 2, 3], train_size=6, test_size=6)
    )

  # The two deepest take minutes to trace, and have no layer of their own kind.
  @parameterized.parameters(
      *[
          ('hidenseek', model)
          for model in sorted(set(architectures.MODELS) - {'resnet18', 'vgg16'})
      ],
      # One with every kind of layer there is.
      ('fed_avg', 'pooled_conv5'),
  )
  def test_models_learn_what_they_learn_one_by_one(self, name, model):
    side = 16 if model == 'small_cnn' else 8
    shape = (side, side, 1)
    task = federated_algorithm.LearningTask(
        functools.partial(architectures.MODELS[model], shape, 3), shape, 3, 0
    )
    rng = np.random.default_rng(0)
    clients = [
        client_data.make_client_data(
            rng.random((size, *shape), np.float32),
            rng.integers(3, size=size),
            i,
        )
        for i, size in enumerate([5, 2])
    ]
    options = {'pruning_iterations': 20} if name == 'hidenseek' else {}
    algorithm = _build(name, task, **options)
    state = algorithm.process.initialize()
    cohorts = algorithm.build_cohort_algorithm()
    self._assert_same_round(
        name,
        algorithm.process.next(state, clients),
        cohorts.next(state, _make_cohorts(clients, [0, 2])),
    )

  def test_the_state_goes_from_cohorts_to_clients_and_back(self):
    algorithm = _build('fed_avg', tiny_task.make_task())
    clients = tiny_task.make_clients(5, 8)
    cohorts = algorithm.build_cohort_algorithm()
    state = algorithm.process.initialize()
    tf.nest.assert_same_structure(
        algorithm.process.initialize.type_signature.result.member,
        cohorts.next.type_signature.result.state.member,
    )
    state = cohorts.next(state, [cohort_data.make_cohort(clients)]).state
    state = algorithm.process.next(state, clients).state
    state = cohorts.next(state, [cohort_data.make_cohort(clients)]).state
    self.assertEqual(state.round_num, 3)

  def test_a_client_of_another_size_is_refused(self):
    cohorts = _build('fed_avg', tiny_task.make_task()).build_cohort_algorithm(
        train_size=6
    )
    state = _build('fed_avg', tiny_task.make_task()).process.initialize()
    clients = tiny_task.make_clients(6, 5)
    with self.assertRaisesRegex(Exception, r'shape|expected'):
      cohorts.next(state, [cohort_data.make_cohort(clients)])

  @parameterized.parameters('bits', 'entropy')
  def test_the_worker_gives_what_this_process_gives(self, upload_coding):
    algorithm = _build(
        'hidenseek', tiny_task.make_task(), upload_coding=upload_coding
    )
    clients = tiny_task.make_clients(5, 8, 3)
    context = contexts.RUNTIMES['worker'](contexts.RuntimeOptions())
    with tff.framework.get_context_stack().install(context):
      result = _run(algorithm, clients, [0, 2, 3], 1)
    self._assert_alike('hidenseek', result)

  @parameterized.parameters(*_STATEFUL)
  def test_clients_that_keep_something_come_one_by_one(self, name):
    algorithm = _build(name, tiny_task.make_task())
    self.assertIsNone(algorithm.build_cohort_algorithm)

  def test_private_layers_come_one_by_one(self):
    algorithm = _build(
        'hidenseek', tiny_task.make_task(), private_layers='hidden'
    )
    self.assertIsNone(algorithm.build_cohort_algorithm)


if __name__ == '__main__':
  tf.test.main()
