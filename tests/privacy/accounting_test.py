import math

from absl.testing import absltest
import dp_accounting
from dp_accounting import rdp

from tff_hidenseek.learning import client_sampling
from tff_hidenseek.privacy import accounting

_POISSON = client_sampling.ClientSampling(
    num_clients=1000, clients_per_round=100, is_poisson=True
)
_FIXED = client_sampling.ClientSampling(num_clients=1000, clients_per_round=100)
_ALL = client_sampling.ClientSampling(num_clients=10, clients_per_round=10)
_DELTA = 1e-5


class RandomizedVotesTest(absltest.TestCase):

  def test_is_what_dp_accounting_says_of_as_many_responses(self):
    # With epsilon log 3 one bit in four is flipped: one in two is drawn anew.
    event = dp_accounting.RandomizedResponseDpEvent(0.5, 2)
    expected = (
        rdp.RdpAccountant(
            neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_ONE
        )
        .compose(event, 20)
        .get_epsilon(_DELTA)
    )
    votes = accounting.RandomizedVotes(math.log(3), num_votes=5)
    self.assertAlmostEqual(votes.epsilon(4, _DELTA), expected, places=9)

  def test_costs_little_more_than_the_sum_of_a_few_bits(self):
    votes = accounting.RandomizedVotes(1.0, num_votes=2)
    self.assertBetween(votes.epsilon(3, _DELTA), 5.9, 6.01)

  def test_many_weak_bits_cost_less_than_their_sum(self):
    votes = accounting.RandomizedVotes(0.01, num_votes=1000)
    self.assertLess(votes.epsilon(1, _DELTA), 0.01 * 1000 / 4)


class NoisedSumsTest(absltest.TestCase):

  def test_poisson_is_what_dp_accounting_says(self):
    event = dp_accounting.SelfComposedDpEvent(
        dp_accounting.PoissonSampledDpEvent(
            0.1, dp_accounting.GaussianDpEvent(1.5)
        ),
        50,
    )
    accountant = rdp.RdpAccountant().compose(event)
    epsilon = accounting.NoisedSums(1.5, _POISSON).epsilon(50, _DELTA)
    # Whole orders alone give a bound that is a little larger.
    self.assertBetween(epsilon / accountant.get_epsilon(_DELTA), 1, 1.02)

  def test_a_client_of_everybody_costs_as_a_sum_that_it_moves_twice_as_far(
      self
  ):
    accountant = rdp.RdpAccountant().compose(
        dp_accounting.GaussianDpEvent(4.0 / 2), 3
    )
    epsilon = accounting.NoisedSums(4.0, _ALL).epsilon(3, _DELTA)
    self.assertBetween(epsilon / accountant.get_epsilon(_DELTA), 1, 1.05)

  def test_a_fixed_number_of_clients_costs_more_than_poisson_sampling(self):
    fixed, poisson = (
        accounting.NoisedSums(4.0, sampling).epsilon(10, _DELTA)
        for sampling in (_FIXED, _POISSON)
    )
    self.assertGreater(fixed, 2 * poisson)


class FindNoiseMultiplierTest(absltest.TestCase):

  def test_keeps_the_budget_and_wastes_little(self):
    for sampling in (_POISSON, _ALL):
      for target in (0.5, 8.0):
        noise = accounting.find_noise_multiplier(sampling, 20, target, _DELTA)
        spent = accounting.NoisedSums(noise, sampling).epsilon(20, _DELTA)
        self.assertBetween(spent, 0.97 * target, target)

  def test_raises_on_a_budget_out_of_reach(self):
    with self.assertRaisesRegex(
        ValueError,
        '`target_epsilon` must be one that noise can give: over 20 rounds '
        'between .*, found 1e\\+09',
    ):
      accounting.find_noise_multiplier(_POISSON, 20, 1e9, _DELTA)


if __name__ == '__main__':
  absltest.main()
