import html.parser
import os
import re
import tempfile

from absl.testing import absltest

from tests.comparisons import made_up_results
from tff_hidenseek.comparisons import pages

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
    report = made_up_results.build_report(
        cls._dir,
        made_up_results.make_results(),
        unfinished=[made_up_results.UNFINISHED],
        diverged=[made_up_results.DIVERGED],
        global_accuracy=0.7,
    )
    pages.write_pages(cls._dir, report)

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

  def test_both_pages_say_which_run_diverged_in_no_table(self):
    for name in ('report.md', 'report.html'):
      page = self._read(name)
      self.assertIn('Diverged, and not in the numbers', page)
      self.assertIn(
          'digits.iid sign_sgd seed 2: diverged at round 3: `train_loss` is '
          'nan.',
          page,
      )
      self.assertEqual(page.count('sign_sgd'), 1)

  def test_the_markdown_s_pictures_are_there(self):
    paths = re.findall(r'!\[[^]]*\]\(([^)]*)\)', self._read('report.md'))
    self.assertLen(paths, 4)
    for path in paths:
      self.assertTrue(os.path.isfile(os.path.join(self._dir, path)), path)

  def test_the_markdown_s_tables_have_as_many_cells_in_every_row(self):
    lines = self._read('report.md').splitlines()
    rows = [line for line in lines if line.startswith('|')]
    for row, following in zip(rows, rows[1:]):
      if following.startswith('|:--'):
        self.assertEqual(row.count('|'), following.count('|'))
    self.assertIn(
        ['', 'hidenseek', '1 of 1 seed', '2', '8', '4', ''],
        [re.split(r' *\| *', row) for row in rows],
    )


if __name__ == '__main__':
  absltest.main()
