"""What the pages name is there."""

import pathlib
import re

from absl import flags
from absl.testing import absltest

from tff_hidenseek.commands import experiment_flags
from tools import sources

_ROOT = pathlib.Path(sources.ROOT)
_PAGES = sorted([
    *_ROOT.glob('*.md'), *_ROOT.glob('docs/*.md'), *_ROOT.glob('configs/*.md')])
_LINK = re.compile(r'\]\(([^)#:\s]+)(?:#[^)]*)?\)')
# A file of code or a folder, from the project's or the package's folder.
_PATH = re.compile(r'`([\w./]+(?:\.py|\.in|\.txt|/))`')
_PAGES_OF_CODE = (
    'CONTRIBUTING.md', 'docs/architecture.md', 'docs/glossary.md',
    'docs/runtime.md')
# Flags of other programs: absl's and pip's.
_FOREIGN_FLAGS = frozenset(['flagfile', 'help', 'yes'])
_FLAG = re.compile(r'(?<![\w-])--([a-z]\w*)(?![\w-])')
# Folders from which these pages name files, as a newcomer would.
_STARTS = (
    '', 'tff_hidenseek', 'tff_hidenseek/algorithms', 'tff_hidenseek/runtimes',
    'tests/runtimes')


class PagesTest(absltest.TestCase):

  def test_linked_files_exist(self):
    self.assertEmpty([
        (str(page.relative_to(_ROOT)), link)
        for page in _PAGES
        for link in _LINK.findall(page.read_text(encoding='utf-8'))
        if not (page.parent / link).exists()])

  def test_named_files_of_code_exist(self):
    for name in _PAGES_OF_CODE:
      paths = _PATH.findall((_ROOT / name).read_text(encoding='utf-8'))
      self.assertNotEmpty(paths, name)
      for path in paths:
        self.assertTrue(
            any((_ROOT / start / path).exists() for start in _STARTS),
            f'{name} names {path}')

  def test_named_flags_exist(self):
    flag_values = flags.FlagValues()
    experiment_flags.define_experiment_flags(flag_values)
    defined = set(flag_values) | _FOREIGN_FLAGS
    for program in (
        *_ROOT.glob('binaries/*.py'), *_ROOT.glob('benchmarks/*.py'),
        *_ROOT.glob('tff_hidenseek/commands/*.py')):
      defined.update(re.findall(
          r"DEFINE_\w+\(\s*'(\w+)'", program.read_text(encoding='utf-8')))
    self.assertEmpty([
        (page.name, flag)
        for page in _PAGES if page.name != 'CHANGELOG.md'
        for flag in _FLAG.findall(page.read_text(encoding='utf-8'))
        if not {flag, flag.removeprefix('no')} & defined])

  def test_the_index_lists_every_page(self):
    index = (_ROOT / 'docs/README.md').read_text(encoding='utf-8')
    for page in _ROOT.glob('docs/*.md'):
      if page.name != 'README.md':
        self.assertIn(f']({page.name})', index)

  def test_the_picture_has_the_floors_in_their_order(self):
    page = (_ROOT / 'docs/architecture.md').read_text(encoding='utf-8')
    drawn = re.findall(r'^  (\w+)(?:/|\.py) ', page, re.MULTILINE)
    drawn.reverse()
    allowed = sources.find_allowed()
    self.assertCountEqual(
        drawn, set(allowed) - {
            'tff_hidenseek', 'benchmarks', 'binaries', 'tools'})
    for i, floor in enumerate(drawn):
      self.assertContainsSubset(allowed[floor], drawn[:i], floor)
    for floor in drawn:
      is_marked = re.search(
          rf'^  {floor}(/|\.py) .*no TFF$', page, re.MULTILINE)
      self.assertEqual(
          bool(is_marked), sources.is_tff_free(f'tff_hidenseek.{floor}'), floor)


class ReadmeTest(absltest.TestCase):

  def test_is_short(self):
    lines = (_ROOT / 'README.md').read_text(encoding='utf-8').splitlines()
    self.assertLess(len(lines), 200)


if __name__ == '__main__':
  absltest.main()
