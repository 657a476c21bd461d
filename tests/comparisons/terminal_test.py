import tempfile

from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import terminal

_LONG = 'hidenseek density=0.05 server_learning_rate=0.25'


def _write(results, **values):
  with tempfile.TemporaryDirectory() as folder:
    return terminal.to_text(
        made_up_results.build_report(folder, results, **values)
    )


class ToTextTest(absltest.TestCase):

  def test_fits_on_80_columns(self):
    rows = made_up_results.make_rows([0.5, 0.75], [None, 0.9])
    text = _write(
        [
            made_up_results.make_result(rows, label=label, seed=seed)
            for label in (_LONG, 'fed_avg_compressed')
            for seed in (0, 1)
        ],
        global_accuracy=0.7,
        personal_accuracy=0.9,
    )
    self.assertLessEqual(max(map(len, text.splitlines())), 80)
    self.assertStartsWith(text, 'digits.iid, 2 seeds\n')
    self.assertRegex(
        text,
        r'\nhidenseek density=0.05 +0.7500 ± 0.0000 .*\n'
        r'server_learning_rate=0.25 *\n',
    )
    self.assertRegex(
        text, r'\nfed_avg_compressed +0.7500 ± 0.0000 +0.9000 +8 +8 +8\Z'
    )

  def test_says_below_the_numbers_which_runs_are_not_in_them(self):
    text = _write(
        made_up_results.make_results(),
        unfinished=[made_up_results.UNFINISHED],
        diverged=[made_up_results.DIVERGED],
    )
    table, diverged, unfinished = text.split('\n\n')
    self.assertNotIn('sign_sgd', table)
    self.assertEqual(
        diverged,
        'Diverged, and not in the numbers:\n  digits.iid sign_sgd seed 2: '
        'diverged at round 3: `train_loss` is nan.',
    )
    self.assertStartsWith(unfinished, 'Not finished, and not in the numbers:')

  def test_where_all_diverged_there_is_no_table(self):
    text = _write([], diverged=[made_up_results.DIVERGED])
    self.assertStartsWith(text, 'Diverged, and not in the numbers:')


if __name__ == '__main__':
  absltest.main()
