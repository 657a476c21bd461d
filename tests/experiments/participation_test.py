from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import participation

_CLIENTS = list(range(40))


def _draw(num_rounds=200, **changes):
  """Returns the participants of rounds that count 10 of 40 clients."""
  config = tiny_experiment.make_config(
      num_clients=40, num_unseen_clients=0, clients_per_round=10, **changes
  )
  draw = participation.build_draw_fn(_CLIENTS, config, config.seed)
  return [draw(round_num) for round_num in range(1, num_rounds + 1)]


class ReliableClientsTest(tf.test.TestCase):

  def test_all_that_are_drawn_are_counted(self):
    for each in _draw(num_rounds=30):
      self.assertLen(set(each.counted), 10)
      self.assertContainsSubset(each.counted, _CLIENTS)
      self.assertEqual(
          (each.lost, each.num_dropped, each.num_late, each.duration),
          ([], 0, 0, None),
      )

  def test_every_client_takes_part_where_all_are_drawn(self):
    config = tiny_experiment.make_config(clients_per_round=3)
    draw = participation.build_draw_fn([0, 1, 2], config, seed=0)
    for round_num in range(1, 30):
      self.assertCountEqual(draw(round_num).counted, [0, 1, 2])


class PoissonSamplingTest(tf.test.TestCase):

  def test_every_client_has_a_coin_of_its_own(self):
    rounds = _draw(client_sampling='poisson')
    sizes = [len(each.counted) for each in rounds]
    # 40 coins of chance 1 / 4: 10, with a deviation of 2.7.
    self.assertBetween(np.mean(sizes), 10 - 0.8, 10 + 0.8)
    self.assertBetween(np.std(sizes), 2.1, 3.4)
    self.assertGreater(max(sizes), 10)
    counts = np.bincount(np.concatenate([r.counted for r in rounds]))
    self.assertBetween(counts.min(), 25, 49)
    self.assertEqual(rounds, _draw(client_sampling='poisson'))

  def test_raises_on_over_selection(self):
    with self.assertRaisesRegex(
        ValueError, '`over_selection` must be 0 with client_sampling=poisson'
    ):
      _draw(client_sampling='poisson', over_selection=0.5)


class UnreliableClientsTest(parameterized.TestCase, tf.test.TestCase):

  def test_depends_on_the_seed_and_the_round_alone(self):
    options = dict(dropout_rate=0.3, straggler_rate=0.3, round_timeout=2.0)
    self.assertEqual(_draw(**options), _draw(**options))
    self.assertNotEqual(_draw(**options), _draw(seed=1, **options))
    self.assertNotEqual(*_draw(num_rounds=2, **options))

  def test_who_is_drawn_does_not_depend_on_who_answers(self):
    for each, other in zip(_draw(), _draw(dropout_rate=0.5)):
      self.assertCountEqual([*other.counted, *other.lost], each.counted)

  def test_as_many_drop_out_as_the_rate_says(self):
    rounds = _draw(dropout_rate=0.25)
    num_dropped = sum(each.num_dropped for each in rounds)
    # 2,000 clients: the deviation is 19.
    self.assertBetween(num_dropped, 420, 580)
    self.assertEqual(num_dropped, sum(len(each.lost) for each in rounds))
    self.assertEqual(sum(each.num_late for each in rounds), 0)

  def test_stragglers_alone_are_late_where_there_is_time_for_others(self):
    # At the fastest a straggler takes exp(0.5 * -4) * 1,000 = 135.
    rounds = _draw(
        straggler_rate=0.25, straggler_slowdown=1000.0, round_timeout=100.0
    )
    num_late = sum(each.num_late for each in rounds)
    self.assertBetween(num_late, 420, 580)
    for each in rounds:
      self.assertLen(each.lost, each.num_late)
      if each.num_late:
        self.assertEqual(each.duration, 100.0)
      else:
        self.assertLess(each.duration, 10.0)

  def test_half_are_late_where_the_time_out_is_the_median_duration(self):
    rounds = _draw(round_timeout=1.0)
    self.assertBetween(sum(each.num_late for each in rounds), 900, 1100)

  def test_without_a_time_out_stragglers_are_waited_for(self):
    for each in _draw(num_rounds=30, straggler_rate=1.0):
      self.assertLen(each.counted, 10)
      self.assertGreater(each.duration, 2.0)

  def test_the_first_of_more_clients_are_counted(self):
    rounds = _draw(num_rounds=50, over_selection=0.3)
    for each in rounds:
      self.assertLen(each.counted, 10)
      self.assertLen(each.lost, 3)
      self.assertEqual((each.num_dropped, each.num_late), (0, 0))
    # Of ten that are all waited for, the last takes longer than of the first
    # ten of thirteen.
    durations = [
        np.mean([each.duration for each in some])
        for some in (rounds, _draw(num_rounds=50, round_timeout=1e6))
    ]
    self.assertLess(durations[0], 0.8 * durations[1])

  def test_who_replaces_a_dropped_client_is_counted(self):
    rounds = _draw(over_selection=1.0, dropout_rate=0.2)
    # 20 are drawn, of which 16 answer; fewer than 10 do once in 1,800.
    self.assertAllEqual([len(each.counted) for each in rounds], [10] * 200)
    self.assertGreater(sum(each.num_dropped for each in rounds), 0)

  def test_nobody_may_answer(self):
    rounds = _draw(num_rounds=5, round_timeout=1e-9)
    for each in rounds:
      self.assertEqual((each.counted, each.num_late), ([], 10))
      self.assertEqual(each.duration, 1e-9)

  @parameterized.parameters(
      (10, 0.0, 10), (10, 0.3, 13), (10, 0.01, 11), (10, 0.1, 11), (1, 0.5, 2)
  )
  def test_a_part_of_a_client_is_drawn_in_whole(self, size, extra, num_drawn):
    config = tiny_experiment.make_config(
        num_clients=50, clients_per_round=size, over_selection=extra
    )
    self.assertEqual(config.num_drawn, num_drawn)


class RulesTest(parameterized.TestCase):

  @parameterized.parameters(
      ('dropout_rate', 1.0),
      ('straggler_rate', 1.5),
      ('straggler_slowdown', 0.5),
      ('round_timeout', -1.0),
      ('over_selection', float('nan')),
  )
  def test_a_value_that_breaks_its_rule_is_refused(self, name, value):
    with self.assertRaisesRegex(ValueError, f'`{name}` must be'):
      tiny_experiment.make_config(**{name: value})

  def test_more_than_all_cannot_be_drawn(self):
    with self.assertRaisesRegex(
        ValueError, '`over_selection` must .* = 3, found 1, which draws 4'
    ):
      tiny_experiment.make_config(over_selection=1.0)


if __name__ == '__main__':
  tf.test.main()
