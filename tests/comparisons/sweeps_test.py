from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import summary
from tff_hidenseek.comparisons import sweeps


def _column(table, name):
  """Returns a column's texts, the best ones with a star."""
  at = list(table.columns).index(name)
  return [row[at].text + '*' * row[at].is_best for row in table.rows]


class BuildSweepTablesTest(absltest.TestCase):

  def _build(self, accuracies):
    results = [
        made_up_results.make_result(
            made_up_results.make_rows(curve), label=label
        )
        for label, curve in accuracies.items()
    ]
    return sweeps.build_sweep_tables(
        summary.summarize(results, summary.Targets()), 'global_accuracy'
    )

  def test_nothing_swept_gives_no_table(self):
    self.assertEmpty(self._build(dict(hidenseek=[0.1], ssfl=[0.2])))

  def test_one_option_goes_down(self):
    (table,) = self._build({
        'hidenseek density=0.1': [0.6],
        'hidenseek density=0.5': [0.7],
        'fed_avg': [0.9],
    })
    self.assertEqual(_column(table, 'density'), ['0.1', '0.5'])
    self.assertEqual(_column(table, 'global'), ['0.6000', '0.7000*'])

  def test_of_two_options_one_goes_across(self):
    (table,) = self._build({
        'hidenseek density=0.1 num_epochs=1': [0.1],
        'hidenseek density=0.1 num_epochs=2': [0.4],
        'hidenseek density=0.5 num_epochs=1': [0.3],
    })
    self.assertEqual(list(table.columns), ['density \\ num_epochs', '1', '2'])
    self.assertEqual(_column(table, '1'), ['0.1000', '0.3000'])
    self.assertEqual(_column(table, '2'), ['0.4000*', '-'])


if __name__ == '__main__':
  absltest.main()
