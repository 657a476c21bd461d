"""A loss that was no number stood as `NaN` in metrics.jsonl, which is not JSON.

A strict reader, such as a browser's, refused the whole file.
"""

import tempfile

from absl.testing import absltest

from tff_hidenseek.experiments import metrics


class NanInMetricsTest(absltest.TestCase):

  def test_no_line_of_it_is_written(self):
    with tempfile.TemporaryDirectory() as folder:
      writer = metrics.MetricsWriter(folder, 0)
      writer.write(dict(round_num=1, train_loss=0.5))
      for loss in (float('nan'), float('inf')):
        with self.assertRaisesRegex(ValueError, 'not JSON compliant'):
          writer.write(dict(round_num=2, train_loss=loss))
      writer.close()
      (row,) = metrics.read_rows(folder)
      self.assertEqual(row['train_loss'], 0.5)


if __name__ == '__main__':
  absltest.main()
