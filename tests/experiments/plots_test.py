import os
import tempfile
import unittest

from matplotlib import image
import numpy as np

from tff_hidenseek.experiments import plots


def _make_rows(accuracies):
  return [
      dict(round_num=i, total_bytes_up=1000 * i, global_accuracy=accuracy)
      for i, accuracy in enumerate(accuracies, start=1)
  ]


class PlotsTest(unittest.TestCase):

  def _plot(self, runs, label_counts, densities):
    """Returns the pictures of a run by name."""
    with tempfile.TemporaryDirectory() as folder:
      plots.plot_run(folder, runs, densities, label_counts)
      folder = os.path.join(folder, 'plots')
      return {
          name: image.imread(os.path.join(folder, name))
          for name in os.listdir(folder)
      }

  def _assert_all_are_drawn(self, pictures):
    self.assertEqual(
        set(pictures),
        {
            'accuracy_over_rounds.png',
            'accuracy_over_megabytes.png',
            'layer_densities.png',
            'label_counts.png',
        },
    )
    for picture in pictures.values():
      self.assertGreater(picture.shape[1], 400)
      self.assertGreater(np.ptp(picture), 0.5)

  def test_a_run_gives_four_pictures(self):
    self._assert_all_are_drawn(
        self._plot(
            dict(one=_make_rows([0.2, None, 0.4])),
            np.arange(30).reshape(3, 10),
            dict(conv1=1.0, logits=0.05),
        )
    )

  def test_flips_of_layers_give_a_fifth_picture(self):
    rows = [
        dict(row, flipped_conv1=0.1, flipped_logits=0.2)
        for row in _make_rows([0.2, 0.4])
    ]
    densities = dict(conv1=1.0, logits=0.05)
    pictures = self._plot(dict(one=rows), np.ones([2, 2], int), densities)
    self.assertGreater(np.ptp(pictures.pop('sign_flips.png')), 0.5)
    self._assert_all_are_drawn(pictures)

  def test_two_runs_share_a_picture(self):
    runs = dict(one=_make_rows([0.2, 0.3]), two=_make_rows([0.5]))
    self._assert_all_are_drawn(
        self._plot(runs, np.ones([2, 2], int), dict(logits=1.0))
    )

  def test_the_smallest_run_can_be_drawn(self):
    self._assert_all_are_drawn(
        self._plot(dict(a=_make_rows([0.0])), np.ones([1, 2]), dict(x=1e-6))
    )

  def test_many_clients_and_classes_can_be_drawn(self):
    pictures = self._plot(
        dict(a=_make_rows([0.1])),
        np.ones([500, 100], int),
        {f'layer{i}': 0.1 for i in range(60)},
    )
    self._assert_all_are_drawn(pictures)
    for picture in pictures.values():
      self.assertLess(max(picture.shape[:2]), 4000)


if __name__ == '__main__':
  unittest.main()
