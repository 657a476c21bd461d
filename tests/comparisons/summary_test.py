import math

from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import summary

_ROW_KEYS = [
    'algorithm', 'dataset', 'partition', 'seeds', 'rounds',
    'global_accuracy_mean', 'global_accuracy_std', 'personal_accuracy_mean',
    'personal_accuracy_std', 'personal_accuracy_worst_decile',
    'unseen_personal_accuracy_mean', 'megabytes_up', 'megabytes_down',
    'bits_per_weight_up', 'megabytes_to_target', 'seconds_to_target',
]


class OverSeedsTest(absltest.TestCase):

  def test_the_deviation_is_the_sample_s(self):
    # Differences -1, 0, 1 from the mean: variance 2 / (3 - 1).
    self.assertEqual(
        summary.over_seeds([1, 2, 3]),
        summary.Statistic(2.0, 1.0, 3),
    )

  def test_one_seed_has_no_deviation(self):
    self.assertEqual(
        summary.over_seeds([0.5]),
        summary.Statistic(0.5, None, 1),
    )

  def test_what_was_not_measured_is_left_out(self):
    self.assertEqual(summary.over_seeds([None, 4]).count, 1)
    self.assertIsNone(summary.over_seeds([None, None]))


class CostToTargetTest(absltest.TestCase):

  def _cost(self, accuracies, target=0.8):
    return summary.cost_to_target(
        made_up_results.make_rows(accuracies), 'global_accuracy', target
    )

  def test_is_what_was_spent_at_the_first_evaluation_that_reaches_it(self):
    self.assertEqual(
        self._cost([0.1, None, 0.8, 0.7, 0.9]),
        dict(rounds=3, megabytes=12.0, seconds=6.0),
    )

  def test_a_target_that_is_never_reached_has_none(self):
    nothing = dict(rounds=None, megabytes=None, seconds=None)
    self.assertEqual(self._cost([0.1, 0.79]), nothing)
    self.assertEqual(self._cost([0.9], target=None), nothing)


class SummarizeTest(absltest.TestCase):

  def _summarize(self, **targets):
    """Summarizes two seeds of one label and one of another."""
    results = [
        made_up_results.make_result(
            made_up_results.make_rows([0.5, 0.7], [None, 0.9])
        ),
        made_up_results.make_result(
            made_up_results.make_rows([0.9, 0.9], [None, 0.7]), seed=1
        ),
        made_up_results.make_result(
            made_up_results.make_rows([0.2]), label='fed_avg'
        ),
    ]
    return summary.summarize(
        results, summary.Targets(**targets)
    )

  def test_labels_keep_their_order_and_runs(self):
    summaries = self._summarize()
    self.assertEqual([s.label for s in summaries], ['hidenseek', 'fed_avg'])
    self.assertEqual([len(s.results) for s in summaries], [2, 1])

  def test_final_accuracies_are_averaged_over_seeds(self):
    values = self._summarize()[0].values
    for name, mean in (
        ('global_accuracy', 0.8),
        ('personal_accuracy', 0.8),
        ('personal_accuracy_worst_decile', 0.6),
        ('personal_accuracy_std_of_clients', 0.1),
    ):
      self.assertAlmostEqual(values[name].mean, mean)
    self.assertAlmostEqual(values['global_accuracy'].std, math.sqrt(0.02))
    self.assertIsNone(values['unseen_personal_accuracy'])

  def test_costs_are_those_of_whole_runs(self):
    values = self._summarize()[0].values
    for name, mean in (
        ('rounds', 2),
        ('megabytes_up', 2),
        ('megabytes_down', 6),
        ('megabytes', 8),
        # 2 MB from five clients in two rounds.
        ('kilobytes_up_of_client', 200),
        # 1 in the first round, 2 in the second.
        ('bits_per_weight_up', 1.5),
        ('bits_per_weight_down', 3),
        ('seconds_per_round', 2),
        ('model_kilobytes', 2.5),
    ):
      self.assertAlmostEqual(values[name].mean, mean, msg=name)

  def test_the_cost_to_a_target_is_of_the_seeds_that_reached_it(self):
    values = self._summarize(global_accuracy=0.85)[0].values
    self.assertEqual(
        values['megabytes_to_target'],
        summary.Statistic(4.0, None, 1),
    )
    self.assertIsNone(values['megabytes_to_personal_target'])

  def test_personal_accuracy_has_a_target_of_its_own(self):
    values = self._summarize(personal_accuracy=0.7)[0].values
    self.assertEqual(values['rounds_to_personal_target'].mean, 2)
    self.assertEqual(values['seconds_to_personal_target'].mean, 4)
    self.assertIsNone(values['rounds_to_target'])

  def test_a_row_of_json_has_these_keys_alone(self):
    row, other = map(
        summary.to_json_row, self._summarize(global_accuracy=0.5)
    )
    self.assertEqual(list(row), _ROW_KEYS)
    self.assertEqual(row['algorithm'], 'hidenseek')
    self.assertEqual((row['dataset'], row['partition']), ('digits', 'iid'))
    self.assertEqual((row['seeds'], row['rounds']), (2, 2))
    self.assertEqual(row['megabytes_to_target'], 4)
    self.assertEqual(row['seconds_to_target'], 2)
    for name in (
        'global_accuracy_std', 'personal_accuracy_mean', 'seconds_to_target'
    ):
      self.assertIsNone(other[name])

  def test_the_best_is_the_highest_that_was_measured(self):
    summaries = self._summarize()
    best = summary.best_of(summaries, 'global_accuracy')
    self.assertEqual(best.label, 'hidenseek')
    self.assertIsNone(
        summary.best_of(summaries[1:], 'personal_accuracy')
    )


if __name__ == '__main__':
  absltest.main()
