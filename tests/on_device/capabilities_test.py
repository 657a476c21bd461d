"""Tests of what devices are not asked to do."""

import types

from absl.testing import absltest
import attrs

from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.on_device import capabilities


def _check(options, **settings):
  settings = {
      'algorithm': 'hidenseek',
      'num_clients': 3,
      'clients_per_round': 3,
      'dropout_rate': 0.0,
      'straggler_rate': 0.0,
      'round_timeout': 0.0,
      'over_selection': 0.0,
      **settings,
  }
  capabilities.check_config(types.SimpleNamespace(options=options, **settings))


class CapabilitiesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.options = hidenseek_options.HideNSeekOptions(
        client_optimizer='sgd',
        votes='signs',
        layer_rates='equal',
        class_prior=False,
        density=0.3,
        num_epochs=2,
    )

  def test_what_a_device_does_is_allowed(self):
    _check(self.options)

  def test_what_it_does_in_one_way_only_is_refused_in_another(self):
    with self.assertRaisesRegex(
        ValueError, "`broadcast` must be 'tally' on devices, found 'majority'"
    ):
      _check(attrs.evolve(self.options, broadcast='majority'))

  def test_option_that_nobody_listed_must_have_its_default(self):
    with_new_option = attrs.make_class(
        'NewOptions',
        {'new_option': attrs.field(default=1.0)},
        bases=(hidenseek_options.HideNSeekOptions,),
        kw_only=True,
        frozen=True,
    )
    fields = {
        field.name: getattr(self.options, field.name)
        for field in attrs.fields(type(self.options))
    }
    _check(with_new_option(**fields))
    with self.assertRaisesRegex(
        ValueError, '`new_option` must be 1.0 on devices, found 2.0'
    ):
      _check(with_new_option(**fields, new_option=2.0))

  def test_what_is_simulated_is_refused(self):
    with self.assertRaisesRegex(
        ValueError, '`over_selection` must be 0 on devices, found 0.5'
    ):
      _check(self.options, over_selection=0.5)


if __name__ == '__main__':
  absltest.main()
