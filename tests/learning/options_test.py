import unittest

import attrs

from tff_hidenseek.learning import options


@attrs.frozen(kw_only=True)
class _Options:
  whole: int = options.option(3, 'A number.', minimum=1, maximum=9)
  rate: float = options.option(0.5, 'A rate.', above=0)
  name: str = options.option('a', 'A name.', choices=('a', 'b'))


class OptionTest(unittest.TestCase):

  def test_its_default_and_the_ends_of_its_range_are_allowed(self):
    self.assertEqual(_Options(), _Options(whole=3, rate=0.5, name='a'))
    for whole in (1, 9):
      self.assertEqual(_Options(whole=whole).whole, whole)

  def test_raises_out_of_its_range(self):
    for values, message in (
        (dict(whole=0), '`whole` must be at least 1, found 0.'),
        (dict(whole=10), '`whole` must be at most 9, found 10.'),
        (dict(rate=0.0), '`rate` must be greater than 0, found 0.0.'),
        (dict(name='c'), "`name` must be one of a, b, found 'c'."),
    ):
      with self.assertRaises(ValueError) as raised:
        _Options(**values)
      self.assertEqual(str(raised.exception), message)

  def test_raises_on_what_is_not_a_number(self):
    for name in ('whole', 'rate'):
      with self.assertRaisesRegex(ValueError, f'`{name}` .*found nan'):
        _Options(**{name: float('nan')})


class LocalTrainingOptionsTest(unittest.TestCase):

  def test_raises_on_an_unknown_optimizer_with_the_list(self):
    with self.assertRaisesRegex(
        ValueError, 'must be one of sgd, momentum, adam, found \'lion\''
    ):
      options.LocalTrainingOptions(client_optimizer='lion')

  def test_raises_on_numbers_that_cannot_train(self):
    for name in ('client_learning_rate', 'num_epochs', 'batch_size'):
      with self.assertRaisesRegex(ValueError, f'`{name}` must be'):
        options.LocalTrainingOptions(**{name: 0})


if __name__ == '__main__':
  unittest.main()
