from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import robust_aggregation
from tff_hidenseek.runtimes import contexts


def setUpModule():
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions(client_threads=2))
  )


def _vote_rule(aggregation, fraction=0.2):
  return robust_aggregation.build_vote_rule(
      robust_aggregation.RobustVoteOptions(
          aggregation=aggregation, trimmed_fraction=fraction
      )
  )


def _aggregate(aggregation, clients, fraction=0.2):
  """Returns the aggregate of `float32[2]` vectors of the clients."""
  process = robust_aggregation.build_mean(
      robust_aggregation.RobustMeanOptions(
          aggregation=aggregation, trimmed_fraction=fraction
      )
  ).create(tff.TensorType(np.float32, [2]))
  clients = [np.array(client, np.float32) for client in clients]
  return process.next(process.initialize(), clients).result


class VotesTest(parameterized.TestCase, tf.test.TestCase):

  def test_the_mean_is_taken_as_it_is(self):
    self.assertIsNone(_vote_rule('mean'))

  def test_the_trimmed_mean_of_ten_votes(self):
    # 10, 9, 7, 5 and 2 of ten vote +1. Two of either end are left out: of 7
    # against 3 there are 5 against 1, and of 9 against 1 all six are +1.
    means = tf.constant([1.0, 0.8, 0.4, 0.0, -0.6])
    trimmed = _vote_rule('trimmed')(means, tf.constant(10.0))
    self.assertAllClose(trimmed, [1, 1, 4 / 6, 0, -1])

  @parameterized.parameters(0.0, 0.1, 0.25, 0.4)
  def test_the_trimmed_mean_is_that_of_the_sorted_votes(self, fraction):
    for num_clients in (1, 4, 7, 20):
      votes = np.where(
          np.arange(num_clients) < np.arange(num_clients + 1)[:, np.newaxis],
          1.0,
          -1.0,
      )
      left_out = int(fraction * num_clients + 1e-9)
      kept = np.sort(votes, axis=1)[:, left_out : num_clients - left_out]
      trimmed = _vote_rule('trimmed', fraction)(
          tf.constant(votes.mean(axis=1), tf.float32),
          tf.constant(num_clients, tf.float32),
      )
      self.assertAllClose(trimmed, kept.mean(axis=1))

  @parameterized.parameters('majority', 'median')
  def test_the_median_is_the_majority_and_a_tie_is_zero(self, aggregation):
    rule = _vote_rule(aggregation)
    means = tf.constant([0.2, 0.0, -1.0])
    self.assertAllEqual(rule(means, tf.constant(10.0)), [1, 0, -1])


class WeightsTest(parameterized.TestCase, tf.test.TestCase):

  def test_the_trimmed_mean_leaves_out_either_end_at_each_coordinate(self):
    clients = [[1, 5], [2, 100], [3, 6], [900, 7], [4, 8]]
    self.assertAllClose(_aggregate('trimmed', clients), [3, 7])

  def test_a_fraction_of_too_few_clients_leaves_out_nobody(self):
    self.assertAllClose(_aggregate('trimmed', [[1, 2], [3, 6]]), [2, 4])

  def test_the_median_of_an_odd_and_an_even_number(self):
    clients = [[1, 50], [2, 5], [900, 6]]
    self.assertAllEqual(_aggregate('median', clients), [2, 6])
    clients.append([3, 8])
    self.assertAllEqual(_aggregate('median', clients), [2.5, 7])

  def test_the_order_of_clients_does_not_matter(self):
    clients = np.random.default_rng(0).normal(size=(9, 2))
    for aggregation in ('trimmed', 'median'):
      self.assertAllEqual(
          _aggregate(aggregation, clients),
          _aggregate(aggregation, clients[::-1]),
      )

  def test_structures_keep_their_form(self):
    factory = robust_aggregation.build_mean(
        robust_aggregation.RobustMeanOptions(aggregation='median')
    )
    value_type = tff.to_type([
        tff.TensorType(np.float32, [1, 2]), tff.TensorType(np.float32)
    ])
    process = factory.create(value_type)
    clients = [
        [np.full([1, 2], i, np.float32), np.float32(-i)] for i in (1, 2, 9)
    ]
    result = process.next(process.initialize(), clients).result
    self.assertAllEqual(result[0], [[2, 2]])
    self.assertAllEqual(result[1], -2)

  def test_tff_s_worker_gives_the_same(self):
    clients = np.random.default_rng(0).normal(size=(6, 2))
    result = _aggregate('trimmed', clients)
    context = contexts.RUNTIMES['worker'](contexts.RuntimeOptions())
    with tff.framework.get_context_stack().install(context):
      self.assertAllEqual(_aggregate('trimmed', clients), result)

  def test_clipping_bounds_what_one_client_can_do(self):
    factory = robust_aggregation.build_mean(
        robust_aggregation.RobustMeanOptions(aggregation='clipped')
    )
    process = factory.create(
        tff.TensorType(np.float32, [2]), tff.TensorType(np.float32)
    )
    clients = [np.array(v, np.float32) for v in ([0.6, 0.8], [3, 4], [30, 0])]
    weights = [np.float32(1)] * 3
    # TFF starts with a norm of 1, and zeroes what is above 10.
    result = process.next(process.initialize(), clients, weights).result
    self.assertAllClose(result, [(0.6 + 0.6) / 3, (0.8 + 0.8) / 3])


class OptionsTest(parameterized.TestCase):

  @parameterized.parameters(
      (robust_aggregation.RobustVoteOptions, 'clipped'),
      (robust_aggregation.RobustMeanOptions, 'majority'),
  )
  def test_an_aggregation_of_other_uploads_is_refused(self, options, name):
    with self.assertRaisesRegex(ValueError, '`aggregation` must be one of'):
      options(aggregation=name)

  def test_trimming_leaves_somebody(self):
    with self.assertRaisesRegex(ValueError, '`trimmed_fraction` must be'):
      robust_aggregation.RobustVoteOptions(trimmed_fraction=0.5)


if __name__ == '__main__':
  tf.test.main()
