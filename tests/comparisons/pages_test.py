import html.parser
import json
import os
import re
import tempfile

from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import pages
from tff_hidenseek.comparisons import report as report_lib
from tff_hidenseek.comparisons import results as results_lib
from tff_hidenseek.comparisons import summary

_COMMAND = dict(
    command='python -m binaries.compare --algorithms=<b>',
    date='2026-01-02T03:04:05+00:00',
    commit='0123456789abcdef',
    is_dirty=True,
    processor='A Processor',
    cores=2,
    gpus=0,
    python='3.11.7',
    tensorflow='2.14.1',
)
_LONG = 'hidenseek density=0.05 server_learning_rate=0.25'


def _build(folder, results, unfinished=(), **targets):
  return report_lib.build_report(
      folder,
      results,
      unfinished,
      targets=summary.Targets(**targets),
      reference='hidenseek',
      sweep_metric='global_accuracy',
      commands=[_COMMAND],
  )


def _make_results(**values):
  rows = made_up_results.make_rows([0.5, 0.75], [None, 0.9])
  return [
      made_up_results.make_result(rows, personal=[0.8, 1.0], **values),
      made_up_results.make_result(rows, label='fed_avg', **values),
  ]


class _OpenTags(html.parser.HTMLParser):
  """Lists tags that are closed in another order than they were opened."""

  _EMPTY = ('meta', 'img')

  def __init__(self):
    super().__init__()
    self.open, self.wrong, self.seen = [], [], set()

  def handle_starttag(self, tag, attrs):
    self.seen.add(tag)
    if tag not in self._EMPTY:
      self.open.append(tag)

  def handle_endtag(self, tag):
    if self.open.pop() != tag:
      self.wrong.append(tag)


class PagesTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    folder = tempfile.TemporaryDirectory()
    cls.addClassCleanup(folder.cleanup)
    cls._dir = folder.name
    cls._report = _build(
        cls._dir,
        _make_results(),
        [
            results_lib.Unfinished(
                name='digits.iid ssfl seed 3',
                num_rounds=4,
                of_rounds=9,
                error='error: `x` must be small, found 3.',
            )
        ],
        global_accuracy=0.7,
    )
    pages.write_pages(cls._dir, cls._report)

  def _read(self, name):
    with open(os.path.join(self._dir, name), encoding='utf-8') as file:
      return file.read()

  def test_the_html_needs_no_other_file(self):
    page = self._read('report.html')
    self.assertNotIn('http', page)
    self.assertEmpty(re.findall(r'src="(?!data:image/png;base64,)', page))
    self.assertNotIn('<script', page)
    self.assertNotIn('<link', page)
    self.assertNotIn('url(', page)

  def test_the_html_closes_what_it_opens(self):
    tags = _OpenTags()
    tags.feed(self._read('report.html'))
    self.assertEqual((tags.open, tags.wrong), ([], []))
    self.assertContainsSubset(['table', 'img', 'pre'], tags.seen)

  def test_the_html_suits_phones_and_the_dark(self):
    page = self._read('report.html')
    self.assertIn('width=device-width', page)
    self.assertIn('prefers-color-scheme: dark', page)

  def test_what_was_typed_is_text(self):
    page = self._read('report.html')
    self.assertIn('--algorithms=&lt;b&gt;', page)
    self.assertNotIn('=<b>', page)

  def test_both_pages_say_what_made_the_numbers(self):
    for name in ('report.md', 'report.html'):
      page = self._read(name)
      self.assertIn('commit 0123456789ab, with changes that are not', page)
      self.assertIn('A Processor, 2 cores; Python 3.11.7, TensorFlow', page)
      self.assertIn('Seed 0; rounds 2; model cnn; 10 clients, 5 a round', page)
      self.assertIn('digits.iid ssfl seed 3: 4 of 9 rounds', page)

  def test_the_markdown_s_pictures_are_there(self):
    paths = re.findall(r'!\[[^]]*\]\(([^)]*)\)', self._read('report.md'))
    self.assertLen(paths, 4)
    for path in paths:
      self.assertTrue(os.path.isfile(os.path.join(self._dir, path)), path)

  def test_the_markdown_s_tables_have_as_many_cells_in_every_row(self):
    lines = self._read('report.md').splitlines()
    rows = [line for line in lines if line.startswith('|')]
    for row, following in zip(rows, rows[1:]):
      if following.startswith('|---'):
        self.assertEqual(row.count('|'), following.count('|'))
    self.assertIn('| hidenseek | 1 of 1 seed | 2 | 8 | 4 |', rows)

  def test_json_has_rows_and_the_rest_beside_them(self):
    path = os.path.join(self._dir, 'report.json')
    report_lib.write_json(path, self._report, 'global_accuracy')
    with open(path, encoding='utf-8') as file:
      content = json.load(file)
    self.assertEqual(
        [row['algorithm'] for row in content['rows']], ['hidenseek', 'fed_avg']
    )
    self.assertEqual(content['details'][0]['seeds'], [0])
    self.assertEqual(content['details'][0]['options']['clients_per_round'], 5)
    self.assertEqual(content['commands'], [_COMMAND])
    self.assertEqual(content['unfinished'][0]['num_rounds'], 4)

  def test_the_text_fits_a_terminal(self):
    rows = made_up_results.make_rows([0.5, 0.75], [None, 0.9])
    results = [
        made_up_results.make_result(rows, label=label, seed=seed)
        for label in (_LONG, 'fed_avg_compressed')
        for seed in (0, 1)
    ]
    report = _build(
        self._dir, results, global_accuracy=0.7, personal_accuracy=0.9
    )
    text = pages.to_text(report)
    self.assertLessEqual(max(map(len, text.splitlines())), 80)
    self.assertIn('digits.iid, 2 seeds\n', text)
    self.assertIn(f'\n{_LONG}\n', text)
    self.assertRegex(
        text, r'\nfed_avg_compressed +0.7500 ± 0.0000 +0.9000 +8 +8 +8\Z'
    )


class SplitTest(absltest.TestCase):

  def _split(self, *fractions):
    results = [
        result
        for fraction in fractions
        for result in _make_results(validation_fraction=fraction)
    ]
    with tempfile.TemporaryDirectory() as folder:
      return _build(folder, results).split

  def test_says_which_examples_accuracies_are_of(self):
    self.assertIn('are of the data set\'s test split', self._split(0.0))
    self.assertIn('(validation_fraction 0.2); neither', self._split(0.2))
    self.assertStartsWith(self._split(0.0, 0.2), 'Some accuracies are of')


class SweepTest(absltest.TestCase):

  def _build(self, num_cells):
    results = [
        made_up_results.make_result(
            made_up_results.make_rows([0.1, i / 20]),
            label=f'hidenseek density=0.{i}',
        )
        for i in range(1, num_cells + 1)
    ]
    with tempfile.TemporaryDirectory() as folder:
      return _build(folder, [*results, _make_results()[1]])

  def test_names_the_best_cell(self):
    (section,) = self._build(3).sections
    self.assertIn(
        'Of the cells of hidenseek, hidenseek density=0.3 has the best global '
        'accuracy, 0.1500.',
        section.remarks,
    )
    self.assertEqual(section.tables[-1].title[:18], 'Sweep of hidenseek')

  def test_pictures_of_many_cells_show_the_best_alone(self):
    remark = 'The pictures show the best cell of each sweep.'
    self.assertNotIn(remark, self._build(7).sections[0].remarks)
    self.assertIn(remark, self._build(8).sections[0].remarks)


if __name__ == '__main__':
  absltest.main()
