from absl.testing import absltest

from tff_hidenseek.experiments import text_tables


class FormatTableTest(absltest.TestCase):

  def test_columns_are_as_wide_as_they_must_be(self):
    self.assertEqual(
        text_tables.format_table(
            ['', 'up', 'to\ntarget'], [['hidenseek', '0.10', '-']]
        ).splitlines(),
        [
            '             up      to',
            '                 target',
            '---------  ----  ------',
            'hidenseek  0.10       -',
        ],
    )

  def test_a_long_label_is_broken_into_lines(self):
    lines = text_tables.format_table(
        ['', 'up'], [['hidenseek density=0.1', '1']], label_width=12
    ).splitlines()
    self.assertEqual(lines[2:], ['hidenseek     1', 'density=0.1'])

  def test_is_a_table_of_markdown(self):
    self.assertEqual(
        text_tables.format_table(['', 'up'], [['a', '1.50']], 'pipe'),
        '|   |   up |\n|:--|-----:|\n| a | 1.50 |',
    )


if __name__ == '__main__':
  absltest.main()
