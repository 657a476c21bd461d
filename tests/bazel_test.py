"""What Bazel itself says of the BUILD files.

Bazel comes as Debian's package bazel-bootstrap, which is 4.2.3: it reads no
MODULE.bazel, and this test no network. So it loads and analyses the real BUILD
files and macros with rules and packages that only have the names of the real
ones.
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

from absl.testing import absltest

from tests import build_rules
from tools import sources

_SECONDS = 300.0

_WORKSPACE = '''
local_repository(name = "pip", path = "../stand_ins/pip")
local_repository(name = "rules_python", path = "../stand_ins/rules_python")
'''
_RULES = '''
def _implement(ctx):
    return [DefaultInfo(files = depset(ctx.files.srcs))]

py_library = rule(implementation = _implement, attrs = {
    "srcs": attr.label_list(allow_files = [".py"]),
    "data": attr.label_list(allow_files = True),
    "deps": attr.label_list(),
})

def py_binary(name, main_module, deps):
    py_library(name = name, deps = deps)

def py_test(name, size, args, main_module, tags, **kwargs):
    py_library(name = name, testonly = True, **kwargs)
'''


def _write(folder, path, text=''):
  path = os.path.join(folder, path)
  os.makedirs(os.path.dirname(path), exist_ok=True)
  with open(path, 'w', encoding='utf-8') as file:
    file.write(text)


def _copy_project(folder):
  """Copies what Bazel looks at, with stand-ins for the rest beside it."""
  ignored = shutil.ignore_patterns('__pycache__')
  for path in build_rules.find_build_files():
    top = path.split('/')[0]
    if not os.path.exists(os.path.join(folder, top)):
      shutil.copytree(
          os.path.join(sources.ROOT, top), os.path.join(folder, top),
          ignore=ignored)
  for name in ('BUILD', 'pytest.ini', 'requirements.txt'):
    shutil.copy(os.path.join(sources.ROOT, name), folder)
  _write(folder, 'WORKSPACE', _WORKSPACE)
  for name in ('pip', 'rules_python'):
    _write(folder, f'../stand_ins/{name}/WORKSPACE')
  _write(folder, '../stand_ins/rules_python/python/BUILD')
  _write(folder, '../stand_ins/rules_python/python/defs.bzl', _RULES)
  with open(f'{folder}/requirements.txt', encoding='utf-8') as file:
    names = re.findall(r'^([\w.-]+)==', file.read(), re.MULTILINE)
  for name in names:
    name = re.sub('[-_.]+', '_', name).lower()
    _write(
        folder, f'../stand_ins/pip/{name}/BUILD',
        f'filegroup(name = "{name}", visibility = ["//visibility:public"])\n')


class BazelTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    if not shutil.which('bazel'):
      raise unittest.SkipTest('there is no Bazel on the path')
    version = subprocess.run(
        ['bazel', '--version'], capture_output=True, text=True, check=True,
        cwd=tempfile.gettempdir()).stdout.split()[1]
    # Debian's says `no_version`.
    if version != 'no_version' and int(version.split('.')[0]) > 6:
      raise unittest.SkipTest(
          f'Bazel {version} may not read a WORKSPACE, which this test makes')
    cls.folder = tempfile.mkdtemp()
    cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
    _copy_project(f'{cls.folder}/project')

  def run_bazel(self, *arguments):
    result = subprocess.run(
        ['bazel', '--batch', f'--output_user_root={self.folder}/out',
         *arguments],
        cwd=f'{self.folder}/project', capture_output=True, text=True,
        check=False, timeout=_SECONDS)
    self.assertEqual(result.returncode, 0, result.stderr)
    return result.stdout

  def test_query_finds_every_target(self):
    labels = self.run_bazel('query', 'kind(rule, //...)').split()
    rules = build_rules.read_rules(f'{self.folder}/project')
    self.assertCountEqual(labels, [rule.label for rule in rules])

  def test_analyses_every_target(self):
    self.run_bazel('build', '--nobuild', '//...')

  def test_refuses_an_import_upwards(self):
    path = f'{self.folder}/project/tff_hidenseek/layers/BUILD'
    with open(path, encoding='utf-8') as file:
      text = file.read()
    self.addCleanup(
        _write, self.folder, 'project/tff_hidenseek/layers/BUILD', text)
    upwards = 'deps = [\n    "//tff_hidenseek/models",\n'
    self.assertIn('deps = [\n', text)
    with open(path, 'w', encoding='utf-8') as file:
      file.write(text.replace('deps = [\n', upwards, 1))
    with self.assertRaisesRegex(AssertionError, 'cycle in dependency graph'):
      self.run_bazel('build', '--nobuild', '//tff_hidenseek/layers')


if __name__ == '__main__':
  absltest.main()
