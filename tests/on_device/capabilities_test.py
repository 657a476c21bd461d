"""Tests of what devices are not asked to do."""

from absl.testing import absltest
import attrs

from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.on_device import capabilities


def _make_config(**changes):
  return config_lib.build_config({
      'num_clients': 3,
      'clients_per_round': 3,
      'client_optimizer': 'sgd',
      'votes': 'signs',
      'layer_rates': 'equal',
      'class_prior': False,
      'density': 0.3,
      'num_epochs': 2,
      **changes,
  })


@attrs.frozen(kw_only=True)
class _NewOptions(hidenseek_options.HideNSeekOptions):

  new_option: float = 1.0


class CapabilitiesTest(absltest.TestCase):

  def test_what_a_device_does_is_allowed(self):
    capabilities.check_config(_make_config())

  def test_what_it_does_not_do_is_refused(self):
    for changes, rule in (
        ({'broadcast': 'majority'}, "`broadcast` must be 'tally' on devices"),
        ({'aggregation': 'trimmed'}, "`aggregation` must be 'mean' on devices"),
        ({'round_timeout': 2.0}, '`round_timeout` must be 0 on devices'),
        ({'clients_per_round': 2}, '`clients_per_round` must be `num_clients`'),
    ):
      with self.assertRaisesRegex(ValueError, rule):
        capabilities.check_config(_make_config(**changes))

  def test_option_that_nobody_listed_must_have_its_default(self):
    config = _make_config()
    options = {
        field.name: getattr(config.options, field.name)
        for field in attrs.fields(type(config.options))
    }

    def check(**changes):
      capabilities.check_config(
          attrs.evolve(config, options=_NewOptions(**options, **changes))
      )

    check()
    with self.assertRaisesRegex(
        ValueError, '`new_option` must be 1.0 on devices, found 2.0'
    ):
      check(new_option=2.0)


if __name__ == '__main__':
  absltest.main()
