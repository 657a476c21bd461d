import csv
import glob
import json
import os
import shutil
import tempfile

import tensorflow as tf

from tff_hidenseek.experiments import metrics

# What issue and README promise.
_KEYS = (
    'round_num train_loss global_accuracy personal_accuracy_mean '
    'personal_accuracy_std personal_accuracy_worst_decile '
    'unseen_personal_accuracy_mean bytes_up bytes_down total_bytes_up '
    'total_bytes_down bits_per_weight_up bits_per_weight_down sign_flips '
    'seconds clients_drawn clients_dropped clients_late clients_counted '
    'simulated_duration epsilon'
).split()


def _make_row(round_num, **values):
  return dict(round_num=round_num, train_loss=0.5 / round_num, **values)


class MetricsWriterTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _write(self, num_rounds_done, *rows):
    writer = metrics.MetricsWriter(self._dir, num_rounds_done)
    for row in rows:
      writer.write(row)
    writer.close()
    return writer.rows

  def _read_lines(self):
    with open(os.path.join(self._dir, 'metrics.jsonl'), encoding='utf-8') as f:
      return [json.loads(line) for line in f]

  def test_a_row_has_the_promised_keys_in_their_order(self):
    self._write(0, _make_row(1))
    self.assertEqual([list(row) for row in self._read_lines()], [_KEYS])
    self.assertEqual(list(metrics.METRIC_NAMES), _KEYS)

  def test_what_was_not_evaluated_is_null(self):
    self._write(0, _make_row(1, global_accuracy=0.25))
    (row,) = self._read_lines()
    for name, value in dict(
        round_num=1, train_loss=0.5, global_accuracy=0.25
    ).items():
      self.assertEqual(row.pop(name), value)
    self.assertEqual(set(row.values()), {None})

  def test_a_row_is_in_the_file_before_the_next_round(self):
    writer = metrics.MetricsWriter(self._dir, 0)
    writer.write(_make_row(1))
    self.assertEqual(self._read_lines(), writer.rows)
    writer.close()

  def test_the_table_equals_the_lines(self):
    rows = [
        _make_row(1, global_accuracy=0.1 + 0.2, bytes_up=2**53 + 1),
        _make_row(2, seconds=1e-7),
    ]
    self._write(0, *rows)
    with open(
        os.path.join(self._dir, 'metrics.csv'), newline='', encoding='utf-8'
    ) as table:
      from_table = [
          {k: json.loads(v) if v else None for k, v in row.items()}
          for row in csv.DictReader(table)
      ]
    self.assertEqual(from_table, self._read_lines())
    self.assertEqual(from_table, metrics.read_rows(self._dir))

  def test_tensorboard_reads_what_was_evaluated(self):
    self._write(0, _make_row(1, bytes_up=7), _make_row(2))
    (path,) = glob.glob(os.path.join(self._dir, 'tensorboard', '*tfevents*'))
    seen = {}
    for record in tf.data.TFRecordDataset(path):
      event = tf.compat.v1.Event.FromString(record.numpy())
      for value in event.summary.value:
        seen[event.step, value.tag] = float(tf.make_ndarray(value.tensor))
    self.assertEqual(
        seen,
        {
            (1, 'train_loss'): 0.5,
            (1, 'bytes_up'): 7,
            (2, 'train_loss'): 0.25,
        },
    )

  def test_rows_after_the_checkpoint_come_once(self):
    self._write(0, *(_make_row(i) for i in (1, 2, 3)))
    self._write(2, *(_make_row(i) for i in (3, 4)))
    rounds = [row['round_num'] for row in self._read_lines()]
    self.assertEqual(rounds, [1, 2, 3, 4])

  def test_a_torn_last_row_is_left_out(self):
    self._write(0, *(_make_row(i) for i in (1, 2)))
    path = os.path.join(self._dir, 'metrics.jsonl')
    os.truncate(path, os.path.getsize(path) - 9)
    self.assertLen(metrics.read_rows(self._dir), 1)
    rows = self._write(1, _make_row(2))
    self.assertEqual([row['round_num'] for row in rows], [1, 2])
    self.assertEqual(self._read_lines(), rows)

  def test_a_new_run_has_no_rows(self):
    self.assertEqual(metrics.read_rows(self._dir), [])

  def test_raises_on_an_unknown_metric(self):
    writer = metrics.MetricsWriter(self._dir, 0)
    self.addCleanup(writer.close)
    with self.assertRaisesRegex(ValueError, r"found \['acuracy'\]"):
      writer.write(_make_row(1, acuracy=0.5))


if __name__ == '__main__':
  tf.test.main()
