"""The package as pip installs it."""

import glob
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

from absl.testing import absltest

from tools import sources


# As a user has it: the tests themselves have chosen their Keras.
_ENVIRONMENT = {
    name: value for name, value in os.environ.items()
    if name not in ('TF_USE_LEGACY_KERAS', 'PYTHONPATH')}


def _run(*command, cwd):
  return subprocess.run(
      command, capture_output=True, text=True, check=True,
      cwd=cwd, env=_ENVIRONMENT).stdout


class WheelTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.folder = tempfile.mkdtemp()
    cls.addClassCleanup(shutil.rmtree, cls.folder)
    _run(
        sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
        '--no-build-isolation', '--wheel-dir', cls.folder, sources.ROOT,
        cwd=cls.folder)
    (cls.wheel,) = glob.glob(f'{cls.folder}/*.whl')
    # An environment of its own, which sees the packages of this one.
    cls.python = f'{cls.folder}/venv/bin/python'
    _run(
        sys.executable, '-m', 'venv', '--without-pip', f'{cls.folder}/venv',
        cwd=cls.folder)
    (site,) = glob.glob(f'{cls.folder}/venv/lib/*/site-packages')
    _run(
        sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps',
        '--no-warn-script-location', '--prefix', f'{cls.folder}/venv',
        '--ignore-installed', cls.wheel, cwd=cls.folder)
    with open(f'{site}/zz_these.pth', 'w', encoding='utf-8') as file:
      purelib = sysconfig.get_paths()['purelib']
      file.write(f'import site; site.addsitedir({purelib!r})\n')

  def test_holds_the_code_and_no_tests(self):
    names = zipfile.ZipFile(self.wheel).namelist()
    self.assertIn('tff_hidenseek/py.typed', names)
    self.assertIn('binaries/train.py', names)
    for name in ('report.html.jinja', 'report.md.jinja'):
      self.assertIn(f'tff_hidenseek/comparisons/templates/{name}', names)
    for name in ('page/index.html', 'page/worker.js', 'package-lock.json'):
      self.assertIn(f'tff_hidenseek/on_device/web/{name}', names)
    self.assertEmpty([name for name in names if '/litert/' in name])
    self.assertIn('tff_hidenseek_imports.pth', names)
    self.assertEmpty([
        name for name in names
        if name.startswith('tests') or name.endswith('BUILD')])

  def test_a_program_may_import_tff_first(self):
    printed = _run(
        self.python, '-c',
        'import sys, os; assert "TF_USE_LEGACY_KERAS" not in os.environ; '
        'import tensorflow_federated as tff; import tff_hidenseek; '
        'print(tff_hidenseek.layers.SignMaskedDense(2, 1).units, '
        'tff_hidenseek.__file__)', cwd=self.folder)
    units, file = printed.split()
    self.assertEqual(units, '2')
    self.assertStartsWith(file, f'{self.folder}/venv')

  def test_a_program_that_uses_neither_is_left_alone(self):
    printed = _run(
        self.python, '-c',
        'import os, sys; print("TF_USE_LEGACY_KERAS" in os.environ, '
        '"tff_hidenseek" in sys.modules)', cwd=self.folder)
    self.assertEqual(printed.split(), ['False', 'False'])

  def test_a_command_shows_its_own_flags(self):
    result = subprocess.run(
        [self.python, f'{self.folder}/venv/bin/hidenseek-train', '--help'],
        cwd=self.folder, env=_ENVIRONMENT, capture_output=True, text=True,
        check=False)
    self.assertIn('--output_dir', result.stdout)
    self.assertIn('--num_rounds', result.stdout)

  def test_every_command_is_there(self):
    commands = os.listdir(f'{self.folder}/venv/bin')
    for name in (
        'compare', 'device-client', 'device-server', 'doctor', 'evaluate',
        'export', 'gpu-check', 'partition', 'plot', 'train', 'worker',
        'write-clients'):
      self.assertIn(f'hidenseek-{name}', commands)


if __name__ == '__main__':
  absltest.main()
