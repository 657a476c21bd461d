"""Tests of the table of exported files."""

import json
import os

from absl.testing import absltest

from tff_hidenseek.export import export_report


def _row(**changes):
  fields = dict(
      flavour='keras',
      file='model.keras',
      bytes=1234567,
      gzip_bytes=89,
      latency_ratio=None,
      accuracy=0.97493,
      agreement=1.0,
      max_logit_error=4.77e-6,
  )
  return export_report.Row(**{**fields, **changes})


class MarkdownTest(absltest.TestCase):

  def test_a_line_for_each_file_and_each_that_was_refused(self):
    text = export_report.to_markdown(
        [_row(), _row(flavour='tflite_int8', latency_ratio=0.876)],
        {'ticket': 'It has no seed.'},
    )
    cells = [
        [cell.strip() for cell in line.strip('|').split('|')]
        for line in text.splitlines()
    ]
    self.assertEqual(cells[0], [
        'flavour', 'bytes', 'gzip', 'latency / float32', 'accuracy',
        'agreement', 'max logit error'])
    self.assertEqual(cells[2], [
        'keras', '1,234,567', '89', '-', '0.9749', '1.0000', '4.8e-06'])
    self.assertEqual(cells[3][3], '0.88')
    self.assertEndsWith(text, '|\n\nNot written, ticket: It has no seed.\n')

  def test_without_files_the_refusals_stand_alone(self):
    text = export_report.to_markdown([], {'ticket': 'It has no seed.'})
    self.assertEqual(text.strip(), 'Not written, ticket: It has no seed.')


class WriteReportTest(absltest.TestCase):

  def test_writes_three_whole_files(self):
    folder = self.create_tempdir().full_path
    export_report.write_report(folder, [_row()], {}, {'class_names': ['a']})
    self.assertCountEqual(
        os.listdir(folder),
        ['accuracy_over_bytes.png', 'export.json', 'export.md'],
    )
    with open(os.path.join(folder, 'export.json'), encoding='utf-8') as file:
      content = json.load(file)
    self.assertEqual(content['rows'][0]['bytes'], 1234567)
    self.assertEqual(content['model'], {'class_names': ['a']})


if __name__ == '__main__':
  absltest.main()
