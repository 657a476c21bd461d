import tempfile

from absl.testing import absltest

from tests.comparisons import made_up_results


class SplitTest(absltest.TestCase):

  def _split(self, *fractions):
    results = [
        result
        for fraction in fractions
        for result in made_up_results.make_results(validation_fraction=fraction)
    ]
    with tempfile.TemporaryDirectory() as folder:
      return made_up_results.build_report(folder, results).split

  def test_says_which_examples_accuracies_are_of(self):
    self.assertIn('are of the data set\'s test split', self._split(0.0))
    self.assertIn('(validation_fraction 0.2); neither', self._split(0.2))
    self.assertStartsWith(self._split(0.0, 0.2), 'Some accuracies are of')


class SweepTest(absltest.TestCase):

  def _build(self, num_cells):
    results = [
        made_up_results.make_result(
            made_up_results.make_rows([0.1, i / 20]),
            label=f'hidenseek density=0.{i}',
        )
        for i in range(1, num_cells + 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
      return made_up_results.build_report(
          folder, [*results, made_up_results.make_results()[1]]
      )

  def test_names_the_best_cell(self):
    (section,) = self._build(3).sections
    self.assertIn(
        'Of the cells of hidenseek, hidenseek density=0.3 has the best global '
        'accuracy, 0.1500.',
        section.remarks,
    )
    self.assertEqual(section.tables[-1].title[:18], 'Sweep of hidenseek')

  def test_pictures_of_many_cells_show_the_best_alone(self):
    remark = 'The pictures show the best cell of each sweep.'
    self.assertNotIn(remark, self._build(7).sections[0].remarks)
    self.assertIn(remark, self._build(8).sections[0].remarks)


if __name__ == '__main__':
  absltest.main()
