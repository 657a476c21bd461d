from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import summary
from tff_hidenseek.comparisons import tables


_TARGETS = summary.Targets()


def _summarize(accuracies, targets=_TARGETS):
  """Summarizes labels with the accuracies of their seeds, a list a seed."""
  return summary.summarize(
      [
          made_up_results.make_result(
              made_up_results.make_rows(curve), label=label, seed=seed
          )
          for label, curves in accuracies.items()
          for seed, curve in enumerate(curves)
      ],
      targets,
  )


def _column(table, name):
  """Returns a column's texts, the best ones with a star."""
  at = list(table.columns).index(name)
  return [row[at].text + '*' * row[at].is_best for row in table.rows]


class BuildTablesTest(absltest.TestCase):

  def _build(self, accuracies, **targets):
    targets = summary.Targets(**targets)
    return tables.build_tables(
        _summarize(accuracies, targets), targets
    )

  def test_the_highest_accuracy_and_the_lowest_cost_are_best(self):
    accuracy, cost = self._build(
        dict(hidenseek=[[0.7, 0.6], [0.7, 0.8]], fed_avg=[[0.6]])
    )
    self.assertEqual(_column(accuracy, 'algorithm'), ['hidenseek', 'fed_avg'])
    self.assertEqual(_column(accuracy, 'seeds'), ['2', '1'])
    self.assertEqual(
        _column(accuracy, 'global'), ['0.7000 ± 0.1414*', '0.6000']
    )
    self.assertEqual(_column(cost, 'MB in all'), ['8', '4*'])

  def test_all_of_equal_means_are_best_but_not_where_none_differs(self):
    accuracy, cost = self._build(
        dict(hidenseek=[[0.7]], fed_avg=[[0.7]], ssfl=[[0.2]])
    )
    self.assertEqual(
        _column(accuracy, 'global'), ['0.7000*', '0.7000*', '0.2000']
    )
    self.assertEqual(_column(cost, 'MB up'), ['1', '1', '1'])

  def test_what_was_never_measured_has_no_column(self):
    accuracy, _ = self._build(dict(hidenseek=[[0.7]]))
    self.assertEqual(
        list(accuracy.columns), ['algorithm', 'seeds', 'rounds', 'global']
    )

  def test_says_how_many_seeds_reached_a_target(self):
    *_, table = self._build(
        dict(
            hidenseek=[[0.8], [0.1]],
            fed_avg=[[0.1, 0.8], [0.1, 0.8]],
            ssfl=[[0.2]],
        ),
        global_accuracy=0.8,
    )
    self.assertEqual(table.title, 'Cost to a global accuracy of 0.8')
    self.assertEqual(
        _column(table, 'reached in'),
        ['1 of 2 seeds', '2 of 2 seeds', '0 of 1 seed'],
    )
    # Cheap in the one seed that got there is not the best.
    self.assertEqual(_column(table, 'MB up and down'), ['4', '8', '-'])


class FormatStatisticTest(absltest.TestCase):

  def test_an_accuracy_shows_a_deviation_of_zero_and_a_cost_does_not(self):
    value = summary.Statistic(0.5, 0.0, 2)
    self.assertEqual(
        tables.format_statistic(value, '.4f'), '0.5000 ± 0.0000'
    )
    self.assertEqual(tables.format_statistic(value, '.4g'), '0.5')

  def test_one_seed_shows_no_deviation(self):
    value = summary.Statistic(0.5, None, 1)
    self.assertEqual(
        tables.format_statistic(value, '.4f'), '0.5000'
    )


if __name__ == '__main__':
  absltest.main()
