"""Every test that the table of situations names exists."""

import pathlib
import re

from absl.testing import absltest

from tools import sources

_ROOT = pathlib.Path(sources.ROOT)
_HERE = _ROOT / 'tests' / 'reports'
_ROW = re.compile(r'^\|[^|]+\|[^|]+\| `([\w/]+\.py)::(\w+)` \|$')


class ReadmeTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    lines = (_HERE / 'README.md').read_text(encoding='utf-8').splitlines()
    table = [line for line in lines if line.startswith('|')][2:]
    matches = [_ROW.match(line) for line in table]
    self.assertNotIn(None, matches)
    self._named = [match.groups() for match in matches]

  def test_named_tests_exist(self):
    self.assertNotEmpty(self._named)
    for path, name in self._named:
      text = (_ROOT / path).read_text(encoding='utf-8')
      self.assertIn(f'  def {name}(self', text, path)

  def test_tests_of_this_folder_are_named(self):
    named = {path for path, _ in self._named}
    for path in _HERE.glob('*_test.py'):
      if path.name != 'readme_test.py':
        self.assertIn(str(path.relative_to(_ROOT)), named)


if __name__ == '__main__':
  absltest.main()
