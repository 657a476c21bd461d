import unittest

from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import summary


def _make_rows(num_rounds=3, **last):
  """Makes rows of a run of which only the last was evaluated."""
  rows = []
  for round_num in range(1, num_rounds + 1):
    row = dict.fromkeys(metrics.METRIC_NAMES)
    row.update(
        round_num=round_num,
        total_bytes_up=1000 * round_num,
        total_bytes_down=2000 * round_num,
        bits_per_weight_up=0.1,
        bits_per_weight_down=0.42,
        seconds=float(round_num),
    )
    rows.append(row)
  rows[-1].update(
      global_accuracy=0.9123,
      personal_accuracy_mean=0.8,
      personal_accuracy_worst_decile=0.5,
  )
  rows[-1].update(last)
  return rows


class FormatSummaryTest(unittest.TestCase):

  def _cells(self, runs):
    """Returns the cells of each line by its label."""
    lines = summary.format_summary(runs).splitlines()
    return {line[:31].strip(): line[31:].split() for line in lines}

  def test_shows_the_last_value_of_each_metric(self):
    cells = self._cells(dict(hidenseek=_make_rows()))
    self.assertEqual(cells['rounds'], ['3'])
    self.assertEqual(cells['global accuracy'], ['0.9123'])
    self.assertEqual(cells['personal accuracy, worst tenth'], ['0.5000'])
    self.assertEqual(cells['sent up by all clients'], ['3', 'kB'])
    self.assertEqual(cells['sent down to all clients'], ['6', 'kB'])
    self.assertEqual(cells['up, a weight of the model'], ['0.1', 'bit'])
    self.assertEqual(cells['seconds a round, median'], ['2'])

  def test_what_was_never_evaluated_is_a_dash(self):
    cells = self._cells(dict(a=_make_rows(personal_accuracy_mean=None)))
    self.assertEqual(cells['personal accuracy, mean'], ['-'])

  def test_unseen_clients_have_a_line_where_there_are_any(self):
    label = 'personal accuracy, unseen'
    self.assertNotIn(label, self._cells(dict(a=_make_rows())))
    cells = self._cells(dict(a=_make_rows(unseen_personal_accuracy_mean=0.7)))
    self.assertEqual(cells[label], ['0.7000'])

  def test_two_runs_are_compared(self):
    small = _make_rows(global_accuracy=0.9)
    large = _make_rows(total_bytes_up=96_000, global_accuracy=0.95)
    text = summary.format_summary(dict(hidenseek=small, fed_avg=large))
    self.assertIn('hidenseek uploaded 32 times less than', text)
    self.assertIn('-5.0 points', text)
    text = summary.format_summary(dict(fed_avg=large, hidenseek=small))
    self.assertIn('fed_avg uploaded 32 times more than', text)
    self.assertIn('+5.0 points', text)

  def test_runs_that_were_not_evaluated_are_not_compared(self):
    rows = _make_rows(global_accuracy=None)
    text = summary.format_summary(dict(hidenseek=rows, fed_avg=_make_rows()))
    self.assertRegex(text, 'global accuracy +- +0.9123\n')
    self.assertNotIn('times', text)

  def test_bytes_have_decimal_units(self):
    for count, expected in (
        (999, '999 B'),
        (1000, '1 kB'),
        (1_234_567, '1.235 MB'),
        (5_000_000_000_000, '5000 GB'),
    ):
      text = summary.format_summary(dict(a=_make_rows(total_bytes_up=count)))
      self.assertRegex(text, f'sent up by all clients +{expected}\n')

  def test_fits_on_80_columns(self):
    rows = _make_rows(
        unseen_personal_accuracy_mean=0.7, total_bytes_up=123_456_789_012
    )
    runs = dict(hidenseek=rows, fed_avg_compressed=rows, lottery_fl=rows)
    for names in (['hidenseek'], ['hidenseek', 'fed_avg_compressed'], runs):
      text = summary.format_summary({name: runs[name] for name in names})
      self.assertLessEqual(max(map(len, text.splitlines())), 80)


if __name__ == '__main__':
  unittest.main()
