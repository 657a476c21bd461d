import unittest

import attrs

from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import config
from tff_hidenseek.models import architectures


class BuildConfigTest(unittest.TestCase):

  def test_what_is_missing_takes_its_default(self):
    built = config.build_config({})
    self.assertEqual(built.algorithm, 'hidenseek')
    self.assertEqual(
        built.options, registry.ALGORITHMS['hidenseek'].options_class()
    )

  def test_values_go_to_the_experiment_and_its_algorithm(self):
    built = config.build_config(dict(num_rounds=7, density=0.25))
    self.assertEqual(built.num_rounds, 7)
    self.assertEqual(built.options.density, 0.25)

  def test_raises_on_an_option_of_another_algorithm(self):
    with self.assertRaisesRegex(
        ValueError, '`density` must be an option of fed_avg, found one of .*'
        'hidenseek'
    ):
      config.build_config(dict(algorithm='fed_avg', density=0.25))

  def test_raises_on_an_option_of_none(self):
    with self.assertRaisesRegex(
        ValueError, '`dencity` must be an option of hidenseek, found one of no '
        'algorithm'
    ):
      config.build_config(dict(dencity=0.25))

  def test_raises_on_unknown_names_with_the_list(self):
    for argument, table in (
        ('algorithm', registry.ALGORITHMS),
        ('model', architectures.MODELS),
    ):
      with self.assertRaisesRegex(
          ValueError,
          f"`{argument}` must be one of {', '.join(table)}, found 'oops'.",
      ):
        config.build_config({argument: 'oops'})

  def test_raises_on_more_clients_a_round_than_train(self):
    with self.assertRaisesRegex(
        ValueError, '`clients_per_round` must be at most .* = 7, found 8.'
    ):
      config.build_config(
          dict(num_clients=10, num_unseen_clients=3, clients_per_round=8)
      )

  def test_raises_on_numbers_out_of_range(self):
    for name, value in (
        ('num_clients', 0),
        ('num_rounds', 0),
        ('clients_per_round', 0),
        ('test_fraction', 0.0),
        ('test_fraction', 1.0),
        ('seed', -1),
        ('seed', 2**31),
        ('rounds_per_checkpoint', 0),
    ):
      with self.subTest(name=name), self.assertRaisesRegex(
          ValueError, f'`{name}` must be .*, found {value}'
      ):
        config.build_config({name: value})

  def test_is_frozen(self):
    with self.assertRaises(attrs.exceptions.FrozenInstanceError):
      config.build_config({}).seed = 3


class FlagFileTest(unittest.TestCase):

  def test_has_a_line_for_every_option(self):
    for name, entry in registry.ALGORITHMS.items():
      built = config.build_config(dict(algorithm=name))
      lines = built.to_flag_file().splitlines()
      options = attrs.fields(entry.options_class)
      common = attrs.fields(config.ExperimentConfig)
      self.assertEqual(len(lines), len(options) + len(common) - 1)
      self.assertIn(f'--algorithm={name}', lines)

  def test_floats_keep_all_their_digits(self):
    built = config.build_config(dict(density=0.1 + 0.2))
    self.assertIn('--density=0.30000000000000004\n', built.to_flag_file())


class WithAlgorithmTest(unittest.TestCase):

  def test_the_other_algorithm_trains_as_long(self):
    first = config.build_config(dict(num_epochs=5, batch_size=7, seed=3))
    other = config.with_algorithm(first, 'fed_avg')
    self.assertEqual(other.algorithm, 'fed_avg')
    self.assertEqual(
        other.options,
        registry.ALGORITHMS['fed_avg'].options_class(
            num_epochs=5, batch_size=7
        ),
    )
    self.assertEqual(other.seed, 3)

  def test_raises_on_an_unknown_algorithm_with_the_list(self):
    with self.assertRaisesRegex(ValueError, "one of hidenseek, .*'oops'"):
      config.with_algorithm(config.build_config({}), 'oops')


if __name__ == '__main__':
  unittest.main()
