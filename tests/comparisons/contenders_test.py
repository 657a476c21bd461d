from absl.testing import absltest

from tff_hidenseek.comparisons import contenders


def _labels(found):
  return [contender.label for contender in found]


class OfAlgorithmsTest(absltest.TestCase):

  def test_an_option_goes_to_every_algorithm_that_has_it(self):
    both = contenders.of_algorithms(
        ['hidenseek', 'fed_avg'], dict(density=0.05, num_rounds=7)
    )
    self.assertEqual(_labels(both), ['hidenseek', 'fed_avg'])
    self.assertEqual(
        both[0].values, dict(algorithm='hidenseek', density=0.05, num_rounds=7)
    )
    self.assertEqual(both[1].values, dict(algorithm='fed_avg', num_rounds=7))

  def test_the_base_s_own_algorithm_does_not_matter(self):
    (found,) = contenders.of_algorithms(['fed_avg'], dict(algorithm='ssfl'))
    self.assertEqual(found.values, dict(algorithm='fed_avg'))

  def test_raises_on_an_option_that_none_has(self):
    with self.assertRaisesRegex(
        ValueError,
        '`density` must be an option of an algorithm that is compared, found '
        'fed_avg, sign_sgd.',
    ):
      contenders.of_algorithms(['sign_sgd', 'fed_avg'], dict(density=0.1))

  def test_raises_on_an_unknown_algorithm(self):
    with self.assertRaisesRegex(
        ValueError, '`algorithms` must be one of hidenseek, .* found \'fedavg\''
    ):
      contenders.of_algorithms(['fedavg'], {})


class OfFilesTest(absltest.TestCase):

  def test_the_first_part_of_a_name_is_enough(self):
    found = contenders.of_files(
        {
            'x/hidenseek.mnist.cnn.flags': dict(dataset='mnist'),
            'x/fed_avg.mnist.cnn.flags': dict(
                algorithm='fed_avg', dataset='mnist'
            ),
        },
        {},
    )
    self.assertEqual(_labels(found), ['hidenseek', 'fed_avg'])

  def test_more_parts_tell_files_of_one_table_apart(self):
    found = contenders.of_files(
        {
            'hidenseek.digits.cnn.flags': {},
            'hidenseek.digits.cnn.low.flags': dict(density=0.01),
            'hidenseek.device.flags': dict(density=0.02),
        },
        {},
    )
    self.assertEqual(
        _labels(found),
        ['hidenseek.digits.cnn', 'hidenseek.digits.cnn.low',
         'hidenseek.device'],
    )

  def test_files_of_other_tables_share_a_label(self):
    found = contenders.of_files(
        {
            'hidenseek.digits.cnn.flags': {},
            'hidenseek.mnist.cnn.flags': dict(dataset='mnist'),
        },
        {},
    )
    self.assertEqual(_labels(found), ['hidenseek', 'hidenseek'])

  def test_options_override_those_of_files(self):
    (found,) = contenders.of_files(
        {'a.flags': dict(num_rounds=5, density=0.5)}, dict(num_rounds=2)
    )
    self.assertEqual(
        found.values, dict(algorithm='hidenseek', num_rounds=2, density=0.5)
    )

  def test_raises_on_an_algorithm_beside_files(self):
    with self.assertRaisesRegex(
        ValueError, '`algorithm` must not come with `flagfiles`.* \'ssfl\''
    ):
      contenders.of_files({'a.flags': {}}, dict(algorithm='ssfl'))

  def test_raises_on_a_file_with_another_algorithm_s_option(self):
    with self.assertRaisesRegex(ValueError, '`density` must be an option of'):
      contenders.of_files(
          {'a.flags': dict(algorithm='fed_avg', density=0.1)}, {}
      )


class SweepTest(absltest.TestCase):

  def _sweep(self, grid):
    return contenders.sweep(
        contenders.of_algorithms(['hidenseek', 'fed_avg'], {}), grid
    )

  def test_an_option_that_an_algorithm_lacks_is_skipped_for_it(self):
    cells = self._sweep(dict(density=[0.1, 0.2], num_epochs=[1, 3]))
    self.assertEqual(
        _labels(cells),
        [
            'hidenseek density=0.1 num_epochs=1',
            'hidenseek density=0.1 num_epochs=3',
            'hidenseek density=0.2 num_epochs=1',
            'hidenseek density=0.2 num_epochs=3',
            'fed_avg num_epochs=1',
            'fed_avg num_epochs=3',
        ],
    )
    self.assertEqual(
        cells[1].values, dict(algorithm='hidenseek', density=0.1, num_epochs=3)
    )

  def test_no_grid_changes_nothing(self):
    self.assertEqual(_labels(self._sweep({})), ['hidenseek', 'fed_avg'])

  def test_a_label_gives_its_options_back(self):
    (cell, *_) = self._sweep(dict(private_layers=['a b'], num_epochs=[1]))
    self.assertEqual(cell.label, 'hidenseek private_layers=a_b num_epochs=1')
    self.assertEqual(
        contenders.split_label(cell.label),
        dict(private_layers='a_b', num_epochs='1'),
    )

  def test_raises_on_an_option_that_none_has(self):
    with self.assertRaisesRegex(
        ValueError, '`score_decay` must be an option of an algorithm'
    ):
      self._sweep(dict(score_decay=[1]))

  def test_raises_on_an_option_with_a_flag_of_its_own(self):
    with self.assertRaisesRegex(ValueError, 'found seed: use --seeds.'):
      self._sweep(dict(seed=[1]))


if __name__ == '__main__':
  absltest.main()
