import unittest

import numpy as np

from tff_hidenseek.algorithms.hidenseek import pruned_network


class LayerRatesTest(unittest.TestCase):

  def test_steps_of_weights_are_as_large_in_all_layers(self):
    masks = {
        'two_a_unit': np.ones((2, 8), bool),
        'eight_a_unit': np.ones((4, 4, 3), bool),
        'half_of_eight': np.arange(32).reshape(8, 4) % 8 < 4,
    }
    masks['eight_a_unit'][2:] = False
    rates = pruned_network.layer_rates(masks)
    self.assertEqual(list(rates), list(masks))
    for rate, kept_a_unit in zip(rates.values(), (2, 8, 4)):
      # He initialisation: a weight's size falls with the root of its fan-in.
      size = (2 / kept_a_unit) ** 0.5
      self.assertAlmostEqual(rate * size, (2 / 8) ** 0.5)


if __name__ == '__main__':
  unittest.main()
