from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import pairs
from tff_hidenseek.comparisons import summary


def _build(runs, reference='hidenseek'):
  """Builds the tables of `{label: {seed: rows}}`, as `{title: rows}`."""
  results = [
      made_up_results.make_result(rows, label=label, seed=seed)
      for label, of_seed in runs.items()
      for seed, rows in of_seed.items()
  ]
  summaries = summary.summarize(
      results, summary.Targets()
  )
  return {
      table.title: [
          dict(zip(table.columns, (cell.text for cell in row)))
          for row in table.rows
      ]
      for table in pairs.build_pair_tables(summaries, reference)
  }


_rows = made_up_results.make_rows


class BuildPairTablesTest(absltest.TestCase):

  def test_gains_are_means_over_the_seeds_that_both_have(self):
    (gain,) = _build(
        dict(
            hidenseek={0: _rows([0.5], [0.8]), 1: _rows([0.7], [0.9])},
            fed_avg={
                1: _rows([0.1, 0.6], [0.1, 0.6]),
                0: _rows([0.1, 0.2], [0.1, 0.4]),
                2: _rows([0.1, 0.9], [0.1, 0.9]),
            },
        )
    )['Gains of hidenseek']
    self.assertEqual(gain['against'], 'fed_avg')
    self.assertEqual(gain['seeds'], '2')
    # Of 30 and 10, and of 40 and 30 points.
    self.assertEqual(gain['global, points'], '+20.0 ± 14.1')
    self.assertEqual(gain['personal, points'], '+35.0 ± 7.1')
    self.assertEqual(gain['personal, relative'], '+70.0 %')
    self.assertEqual(gain['times less up'], '2')

  def test_costs_are_of_reaching_the_accuracy_the_other_ends_with(self):
    tables = _build(
        dict(
            hidenseek={0: _rows([0.3, 0.6, 0.7], [0.9, 0.9, 0.9])},
            fed_avg={
                0: _rows([0.5, 0.6, 0.5, 0.5], [0.1, 0.2, 0.3, 0.4], seconds=3)
            },
        )
    )
    (cost,) = tables['Cost of hidenseek to the global accuracy of each other']
    self.assertEqual(cost['reached in'], '1 of 1 seed')
    # The other had it after its first round of four.
    self.assertEqual(cost['MB up and down'], '8')
    self.assertEqual(cost['MB of the other'], '4')
    self.assertEqual(cost['MB, relative'], '+100.0 %')
    self.assertEqual(cost['seconds'], '4')
    self.assertEqual(cost['seconds of the other'], '3')
    (cost,) = tables['Cost of hidenseek to the personal accuracy of each other']
    self.assertEqual(cost['MB up and down'], '4')
    self.assertEqual(cost['MB of the other'], '16')
    self.assertEqual(cost['MB, relative'], '-75.0 %')

  def test_an_accuracy_never_reached_has_no_cost(self):
    (cost,) = _build(
        dict(hidenseek={0: _rows([0.3])}, fed_avg={0: _rows([0.5])})
    )['Cost of hidenseek to the global accuracy of each other']
    self.assertEqual(cost['reached in'], '0 of 1 seed')
    self.assertEqual(cost['MB up and down'], '-')
    self.assertEqual(cost['MB, relative'], '-')

  def test_what_neither_measured_has_no_gain_and_no_table(self):
    tables = _build(
        dict(hidenseek={0: _rows([0.3])}, fed_avg={0: _rows([0.5])})
    )
    self.assertLen(tables, 2)
    (gain,) = tables['Gains of hidenseek']
    self.assertEqual(gain['global, points'], '-20.0')
    self.assertEqual(gain['personal, points'], '-')

  def test_there_is_no_table_without_the_reference_or_a_common_seed(self):
    self.assertEmpty(_build(dict(hidenseek={0: _rows([0.3])})))
    self.assertEmpty(
        _build(dict(ssfl={0: _rows([0.3])}, fed_avg={0: _rows([0.5])}))
    )
    self.assertEmpty(
        _build(dict(hidenseek={0: _rows([0.3])}, fed_avg={1: _rows([0.5])}))
    )


if __name__ == '__main__':
  absltest.main()
