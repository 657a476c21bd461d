import os
import shutil
import subprocess

from absl.testing import absltest

from tools import sources

# Stands for an interpreter: writes down what it is asked for and installs
# nothing but, where `$UV` is set, the program uv that stands there.
_INTERPRETER = '''\
#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*" in
  *preflight.py) [ "$(basename "$0")" != "$WRONG" ] || {
    echo "$(basename "$0") is wrong" >&2; exit 1; } ;;
  *'-m venv'*) for folder; do :; done; rm -rf "$folder"
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
  *'install --quiet uv') [ -n "$UV" ] && cp "$UV" .python/uv/bin/uv ;;
  *--requirement*) [ -z "$BROKEN" ] ;;
  --version) echo "Python 3" ;;
esac
'''
# Fetches Python as uv does.
_UV = """#!/bin/sh
echo "uv $*" >> "$CALLS"
mkdir -p .python/versions/cpython/bin
cp path/python3 .python/versions/cpython/bin/python3.12
"""
_BROKEN_SHIM = '#!/bin/sh\nexit 127\n'
_COMMANDS = (
    'awk', 'basename', 'cat', 'cmp', 'cp', 'find', 'head', 'ls', 'make',
    'mkdir', 'rm', 'sh')


class VenvTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path
    self.bin = os.path.join(self.folder, 'path')
    os.mkdir(self.bin)
    for command in _COMMANDS:
      os.symlink(shutil.which(command), os.path.join(self.bin, command))
    shutil.copy(os.path.join(sources.ROOT, 'Makefile'), self.folder)
    self.write('requirements.txt', 'a==1\n')

  def write(self, name, text):
    with open(
        os.path.join(self.folder, name), 'w', encoding='utf-8') as file:
      file.write(text)

  def add_python(self, name, text=_INTERPRETER):
    path = os.path.join('path', name)
    self.write(path, text)
    os.chmod(os.path.join(self.folder, path), 0o755)

  def make(self, *arguments, **environment):
    """Returns make's exit code and output, and the interpreters' calls."""
    calls = os.path.join(self.folder, 'calls')
    self.write('calls', '')
    result = subprocess.run(
        ['make', *arguments], cwd=self.folder, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False,
        env={'PATH': self.bin, 'CALLS': calls, **environment})
    with open(calls, encoding='utf-8') as file:
      return result.returncode, result.stdout, file.read()

  def test_takes_the_first_supported_python(self):
    self.add_python('python3.10')
    self.add_python('python3.12')
    code, output, calls = self.make('venv')
    self.assertEqual(code, 0, output)
    self.assertIn('python3.12 -m venv --clear .venv', calls)
    self.assertEndsWith(output, 'Installed with Python 3.\n')

  def test_passes_over_a_shim_that_fails_and_a_python_that_is_wrong(self):
    self.add_python('python3.12', _BROKEN_SHIM)
    self.add_python('python3.11')
    self.add_python('python3.10')
    _, output, calls = self.make('venv', WRONG='python3.11')
    self.assertIn('python3.10 -m venv', calls)
    self.assertNotIn('wrong', output)

  def test_fetches_a_python_where_the_only_one_is_wrong(self):
    self.add_python('python3')
    self.add_python('uv', _UV)
    uv = os.path.join(self.bin, 'uv')
    code, output, calls = self.make('venv', WRONG='python3', UV=uv)
    self.assertEqual(code, 0, output)
    self.assertIn('fetching Python 3.12 with uv', output.splitlines()[0])
    self.assertIn('python3.12 -m venv --clear .venv', calls)

  def test_says_what_to_do_where_no_python_can_be_fetched(self):
    self.add_python('python3')
    code, output, calls = self.make('venv', WRONG='python3')
    self.assertNotEqual(code, 0)
    self.assertIn('No Python 3.12 could be fetched: install Python', output)
    self.assertNotIn('--clear .venv', calls)

  def test_says_what_is_wrong_with_the_given_python(self):
    self.add_python('mine')
    code, output, calls = self.make('venv', 'PYTHON=mine', WRONG='mine')
    self.assertNotEqual(code, 0)
    self.assertEqual(output.count('mine is wrong'), 1)
    self.assertNotIn('-m venv', calls)

  def test_says_that_no_python_starts(self):
    self.add_python('python3', _BROKEN_SHIM)
    code, output, _ = self.make('venv')
    self.assertNotEqual(code, 0)
    self.assertIn('none of these starts', output)

  def test_takes_no_other_python_than_the_given_one(self):
    self.add_python('python3.11')
    code, output, calls = self.make('venv', 'PYTHON=mine')
    self.assertNotEqual(code, 0)
    self.assertIn('none of these starts: mine', output)
    self.assertEmpty(calls)

  def test_reuses_a_finished_install(self):
    self.add_python('python3.11')
    self.make('venv')
    code, output, calls = self.make('test')
    self.assertEqual((code, output), (0, ''))
    self.assertEqual(
        calls.splitlines(), ['python -c ', 'python -m pytest tests'])

  def test_does_not_reuse_a_failed_install(self):
    self.add_python('python3.11')
    code, output, calls = self.make('test', BROKEN='1')
    self.assertNotEqual(code, 0)
    self.assertIn('The install failed', output)
    self.assertNotIn('pytest', calls)
    _, _, calls = self.make('venv')
    self.assertIn('-m venv --clear', calls)

  def test_installs_again_when_requirements_change(self):
    self.add_python('python3.11')
    self.make('venv')
    self.write('requirements.txt', 'a==2\n')
    _, _, calls = self.make('venv')
    self.assertIn('-m venv --clear', calls)

  def test_clean_keeps_runs(self):
    self.add_python('python3.11')
    self.make('venv')
    os.makedirs(os.path.join(self.folder, 'runs', 'digits'))
    self.make('clean')
    self.assertFalse(os.path.exists(os.path.join(self.folder, '.venv')))
    self.assertTrue(os.path.exists(os.path.join(self.folder, 'runs/digits')))


if __name__ == '__main__':
  absltest.main()
