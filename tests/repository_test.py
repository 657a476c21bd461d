import os
import re

from absl.testing import absltest

from tools import sources

_FOLDERS = (
    '.ci', 'benchmarks', 'binaries', 'configs', 'docs', 'examples', 'findings',
    'tests', 'tff_hidenseek', 'tools')
_INDEX = re.compile(
    r'index[-_]url|find[-_]links|trusted[-_]host|'
    r'https?://[^\s/]*(?:pypi|pythonhosted|npmjs|artifactory)|'
    r'https?://\S+/simple\b', re.IGNORECASE)
_MACHINE_PATH = re.compile(
    r'(?<![\w.:/}$)~-])/(?:home|root|work|Users|tmp|opt|mnt|media)/\w')


def _iterate_lines(extensions=('',)):
  """Yields the place and the text of each line of the project's text files."""
  paths = [
      name for name in os.listdir(sources.ROOT)
      if os.path.isfile(os.path.join(sources.ROOT, name))]
  for top in _FOLDERS:
    for folder, _, names in os.walk(os.path.join(sources.ROOT, top)):
      paths += [
          os.path.relpath(os.path.join(folder, name), sources.ROOT)
          for name in names]
  for path in sorted(paths):
    if path.endswith(tuple(extensions)):
      try:
        with open(os.path.join(sources.ROOT, path), encoding='utf-8') as file:
          lines = file.read().splitlines()
      except UnicodeDecodeError:
        continue  # A picture.
      for i, line in enumerate(lines):
        yield path, i + 1, line


class RepositoryTest(absltest.TestCase):

  def test_no_file_names_a_package_index(self):
    self.assertEmpty(
        [line for line in _iterate_lines() if _INDEX.search(line[2])])

  def test_no_file_names_a_path_of_one_machine(self):
    self.assertEmpty(
        [line for line in _iterate_lines() if _MACHINE_PATH.search(line[2])])

  def test_lines_of_code_have_80_columns_at_most(self):
    self.assertEmpty([
        line for line in _iterate_lines(['.py'])
        if len(line[2].partition('  # pylint:')[0]) > 80 and
        'http' not in line[2]])

  def test_files_of_code_have_400_lines_at_most(self):
    self.assertEmpty(
        [line[:2] for line in _iterate_lines(['.py']) if line[1] == 401])


class PatternsTest(absltest.TestCase):

  def test_index_addresses_are_found(self):
    for text in (
        '--index' + '-url x', 'https://py' + 'pi.org/x',
        'http://host/' + 'root/sim' + 'ple'):
      self.assertRegex(text, _INDEX)
    self.assertNotRegex('https://arxiv.org/abs/1602.05629', _INDEX)

  def test_machine_paths_are_found(self):
    self.assertRegex('see /' + 'home/user', _MACHINE_PATH)
    for text in (
        '/path/to/python', '/proc/meminfo', 'a/' + 'tmp/b', '~/' + 'work/b'):
      self.assertNotRegex(text, _MACHINE_PATH)


if __name__ == '__main__':
  absltest.main()
