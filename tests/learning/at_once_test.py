"""Cohorts that train at once against the same clients one by one."""

from absl.testing import parameterized
import attrs
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import tiny_task
from tff_hidenseek.algorithms.hidenseek import ballot as ballot_lib
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.algorithms.hidenseek import sign_mask_client
from tff_hidenseek.algorithms.hidenseek import sign_mask_cohort
from tff_hidenseek.algorithms import registry
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_sampling
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.runtimes import contexts


def setUpModule():
  tff.framework.set_default_context(
      contexts.RUNTIMES['in_process'](contexts.RuntimeOptions(client_threads=2))
  )


def _build(name, task=None, **options):
  entry = registry.ALGORITHMS[name]
  if name == 'hidenseek':
    options = {'pruning_iterations': 5, 'density': 0.5, **options}
  return entry.build(
      task or tiny_task.make_task(),
      entry.options_class(batch_size=4, num_epochs=2, **options),
  )


class AtOnceTest(parameterized.TestCase, tf.test.TestCase):

  def _assert_alike(self, algorithm, personal=False):
    clients = tiny_task.make_clients(5, 8, 1, 13)
    cohorts = [
        cohort_data.make_cohort(each) for each in (clients[:3], clients[3:])
    ]
    at_once = algorithm.build_cohort_algorithm(training='at_once')
    state = algorithm.process.initialize()
    alone = algorithm.process.next(state, clients)
    output = at_once.next(state, cohorts)
    for a, b in zip(
        tf.nest.flatten(alone.state.algorithm),
        tf.nest.flatten(output.state.algorithm),
    ):
      self.assertAllClose(a, b, rtol=0, atol=1e-5)
    for metric, value in alone.metrics.items():
      self.assertAllClose(output.metrics[metric], value, rtol=1e-5, atol=0)
    if personal:
      expected = algorithm.evaluate_personal(alone.state, clients, clients)
      counts = at_once.evaluate_personal(alone.state, cohorts, cohorts)
      for name in ('num_correct', 'num_examples'):
        self.assertAllEqual(
            np.concatenate([count[name] for count in counts]),
            [count[name] for count in expected],
        )

  @parameterized.parameters(
      dict(name='hidenseek', weight_by_examples=True, personal_step='skew'),
      dict(name='fed_avg', client_optimizer='momentum'),
      dict(name='sign_sgd'),
  )
  def test_unequal_clients_learn_what_they_learn_alone(self, name, **options):
    self._assert_alike(_build(name, **options), personal=name != 'sign_sgd')

  def test_noised_updates_are_clipped_client_by_client(self):
    task = attrs.evolve(
        tiny_task.make_task(),
        sampling=client_sampling.ClientSampling(
            num_clients=4, clients_per_round=4
        ),
    )
    self._assert_alike(
        _build('fed_avg', task, noise_multiplier=1.0, client_optimizer='adam')
    )

  def test_malicious_clients_forge_what_they_forge_alone(self):
    task = attrs.evolve(
        tiny_task.make_task(), adversary=attacks.Adversary((0, 3))
    )
    self._assert_alike(
        _build('hidenseek', task, votes='signs', votes_per_round=7)
    )

  @parameterized.parameters(False, True)
  def test_every_client_casts_the_votes_it_casts_alone(self, compiled):
    task = tiny_task.make_task()
    options = registry.ALGORITHMS['hidenseek'].options_class(
        batch_size=4, num_epochs=2, pruning_iterations=5, density=0.5
    )
    network = pruned_network.prune_network(task, options)
    scores = np.concatenate(list(network.initial_scores.values()))
    ballot = ballot_lib.Ballot(scores.size, options, task)
    clients = tiny_task.make_clients(5, 1, 13)
    broadcast = vote_broadcasts.VOTE_BROADCASTS[options.broadcast]
    message = broadcast.encode(tf.constant(scores))
    round_num = tf.constant(3)
    purposes = random_seeds.Purpose.SHUFFLE, random_seeds.Purpose.VOTE
    one = sign_mask_client.SignMaskClientWork(task, options, network, ballot)
    one.round_num = round_num
    for_all = sign_mask_cohort.SignMaskCohortWork(
        task, options, network, ballot
    )

    def make_seeds(client_id):
      return [
          random_seeds.client_seed(0, purpose, round_num, client_id)
          for purpose in purposes
      ]

    @tf.function(autograph=False)
    def run_one(data):
      seeds = make_seeds(data['client_id'])
      one.restart(message)
      return one.train(data, seeds[0]), one.make_upload(seeds[1])

    @tf.function(autograph=False)
    def run_all(data):
      seeds = make_seeds(data['client_id'][:, tf.newaxis])
      trained, losses = for_all.train(
          message,
          data,
          seeds[0],
          compiled,
      )
      return losses, for_all.make_uploads(trained, seeds[1], round_num)

    one.prepare(message)
    losses, uploads = run_all(cohort_data.make_cohort(clients))
    for place, client in enumerate(clients):
      loss, upload = run_one(client)
      self.assertAllClose(losses[place], loss, rtol=1e-5)
      self.assertAllEqual(uploads[place], upload)

  def test_another_algorithm_says_that_its_clients_train_in_turn(self):
    algorithm = _build('ssfl')
    self.assertFalse(algorithm.trains_at_once)
    with self.assertRaisesRegex(ValueError, "in_turn.*found 'at_once'"):
      algorithm.build_cohort_algorithm(training='at_once')


if __name__ == '__main__':
  tf.test.main()
