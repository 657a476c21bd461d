import os
import subprocess
import tempfile

from absl.testing import absltest

from tff_hidenseek.experiments import provenance


class ProvenanceTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._dir = os.path.join(folder.name, 'out')
    self._code_dir = folder.name

  def _record(self, *arguments):
    provenance.record(self._dir, arguments, self._code_dir)
    return provenance.read(self._dir)

  def _git(self, *arguments):
    identity = ['-c', 'user.name=a', '-c', 'user.email=a@b']
    subprocess.run(
        ['git', '-C', self._code_dir, *identity, *arguments],
        check=True,
        capture_output=True,
    )

  def test_a_folder_without_commands_has_none(self):
    self.assertEmpty(provenance.read(self._dir))

  def test_a_command_can_be_pasted_into_a_shell(self):
    ((command),) = self._record('python', '--x=a b')
    self.assertEqual(command['command'], "python '--x=a b'")

  def test_a_command_given_again_is_listed_once(self):
    for name in ('a', 'b', 'a'):
      commands = self._record(name)
    self.assertEqual([each['command'] for each in commands], ['a', 'b'])

  def test_without_a_repository_there_is_no_commit(self):
    # The temporary folder may lie within one.
    self._code_dir = os.path.join(self._code_dir, 'missing')
    (command,) = self._record('a')
    self.assertIsNone(command['commit'])
    self.assertFalse(command['is_dirty'])

  def test_names_the_commit_and_whether_there_are_changes(self):
    self._git('init')
    self._git('commit', '--allow-empty', '-m', 'empty')
    self._dir = tempfile.mkdtemp()
    (clean,) = self._record('a')
    self.assertRegex(clean['commit'], '^[0-9a-f]{40}$')
    self.assertFalse(clean['is_dirty'])
    with open(os.path.join(self._code_dir, 'new'), 'w', encoding='utf-8'):
      pass
    *_, dirty = self._record('a')
    self.assertEqual(dirty['commit'], clean['commit'])
    self.assertTrue(dirty['is_dirty'])

  def test_names_the_machine(self):
    (command,) = self._record('a')
    self.assertTrue(command['processor'])
    self.assertGreaterEqual(command['cores'], 1)
    self.assertRegex(command['python'], r'^3\.')


if __name__ == '__main__':
  absltest.main()
