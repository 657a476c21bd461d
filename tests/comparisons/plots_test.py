import os
import tempfile

from absl.testing import absltest
from matplotlib import image
import numpy as np

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import plots
from tff_hidenseek.comparisons import summary


class MakeStylesTest(absltest.TestCase):

  def test_eight_labels_have_eight_colours(self):
    styles = plots.make_styles('abcdefgh')
    self.assertLen({style.color for style in styles.values()}, 8)

  def test_many_labels_differ_in_colour_or_dashes(self):
    styles = plots.make_styles('abcdefghijklmnop')
    self.assertLen(set(styles.values()), 16)

  def test_a_label_named_again_keeps_its_style(self):
    self.assertEqual(
        plots.make_styles(['a', 'b', 'a']),
        plots.make_styles(['a', 'b']),
    )


class AverageCurveTest(absltest.TestCase):

  def test_rounds_that_all_seeds_evaluated_are_averaged(self):
    places, values = plots.average_curve(
        [
            made_up_results.make_result(
                made_up_results.make_rows([0.1, None, 0.3, 0.4], seconds=1.0)
            ),
            made_up_results.make_result(
                made_up_results.make_rows([0.3, 0.4, 0.5], seconds=3.0)
            ),
        ],
        'global_accuracy',
        lambda rows: np.cumsum([row['seconds'] for row in rows]),
    )
    np.testing.assert_allclose(places, [2, 6])
    np.testing.assert_allclose(values, [[0.1, 0.3], [0.3, 0.5]])

  def test_seeds_that_share_no_round_have_no_curve(self):
    places, values = plots.average_curve(
        [
            made_up_results.make_result(made_up_results.make_rows(curve))
            for curve in ([0.1], [None, 0.2])
        ],
        'global_accuracy',
        lambda rows: np.arange(len(rows)),
    )
    self.assertEqual((places.shape, values.shape), ((0,), (2, 0)))


class PlotComparisonTest(absltest.TestCase):

  def _plot(self, *results, **targets):
    """Draws, and reads the pictures again; returns their names."""
    targets = summary.Targets(**targets)
    summaries = summary.summarize(results, targets)
    styles = plots.make_styles([s.label for s in summaries])
    with tempfile.TemporaryDirectory() as folder:
      pictures = plots.plot_comparison(
          os.path.join(folder, 'plots'), 'a.b', summaries, styles, targets
      )
      for picture in pictures:
        self.assertGreater(np.ptp(image.imread(picture.path)), 0.5)
      return [os.path.basename(picture.path) for picture in pictures]

  def test_curves_of_both_accuracies_and_the_clients_distribution(self):
    rows = made_up_results.make_rows([0.1, 0.4], [0.2, 0.5])
    self.assertEqual(
        self._plot(
            made_up_results.make_result(rows, personal=[0.5, 0.6]),
            made_up_results.make_result(rows, seed=1, personal=[0.5, 0.7]),
            made_up_results.make_result(rows, label='fed_avg'),
            global_accuracy=0.3,
        ),
        [
            f'a.b.{metric}_over_{axis}.png'
            for metric in ('global_accuracy', 'personal_accuracy_mean')
            for axis in ('rounds', 'megabytes', 'seconds')
        ]
        + ['a.b.personal_accuracies.png'],
    )

  def test_one_evaluation_is_no_curve(self):
    rows = made_up_results.make_rows([0.1, 0.4], [None, 0.5])
    names = self._plot(made_up_results.make_result(rows))
    self.assertLen(names, 3)
    self.assertTrue(all('global' in name for name in names))


if __name__ == '__main__':
  absltest.main()
