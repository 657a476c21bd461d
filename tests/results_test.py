"""The committed figures of docs/results, as programs read them."""

import json

from absl.testing import absltest

from tools import results_tables

_KEYS = {
    'algorithm',
    'dataset',
    'partition',
    'seeds',
    'rounds',
    'global_accuracy_mean',
    'global_accuracy_std',
    'personal_accuracy_mean',
    'personal_accuracy_std',
    'personal_accuracy_worst_decile',
    'unseen_personal_accuracy_mean',
    'megabytes_up',
    'megabytes_down',
    'bits_per_weight_up',
    'megabytes_to_target',
    'seconds_to_target',
}


class ResultsTest(absltest.TestCase):

  def test_every_row_has_the_columns_of_a_comparison(self):
    paths = sorted(results_tables.RESULTS.glob('**/*.json'))
    self.assertNotEmpty(paths)
    for path in paths:
      rows = json.loads(path.read_text(encoding='utf-8'))
      self.assertNotEmpty(rows, path)
      for row in rows:
        self.assertEqual(set(row), _KEYS, path)
        self.assertBetween(row['global_accuracy_mean'], 0, 1)

  def test_the_tables_of_the_pages_are_made_of_them(self):
    for path in results_tables.PAGES:
      page = path.read_text(encoding='utf-8')
      self.assertEqual(
          page,
          results_tables.fill(page),
          'Run `python -m tools.write_results_tables`.',
      )
      self.assertRegex(page, r'<!-- table: .* -->\n\| ')


if __name__ == '__main__':
  absltest.main()
