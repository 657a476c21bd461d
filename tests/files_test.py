"""Tests of writing files whole or not at all."""

import os
from unittest import mock

from absl.testing import absltest

from tff_hidenseek import files


class ReplaceWhenWholeTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = self.create_tempdir().full_path
    self.path = os.path.join(self.folder, 'model.keras')

  def write(self, path, text):
    with open(path, 'w', encoding='utf-8') as output:
      output.write(text)

  def assert_only_file(self, text):
    self.assertEqual(os.listdir(self.folder), ['model.keras'])
    with open(self.path, encoding='utf-8') as file:
      self.assertEqual(file.read(), text)

  def test_a_file_takes_the_place_of_another(self):
    files.write_atomically(self.path, b'old')
    files.write_atomically(self.path, b'new')
    self.assert_only_file('new')

  def test_nothing_is_seen_before_the_end(self):
    files.write_atomically(self.path, b'old')
    with files.replace_when_whole(self.path) as unfinished:
      self.write(unfinished, 'half')
      self.assertEndsWith(unfinished, '.keras')
      self.assertEqual(os.path.dirname(unfinished), self.folder)
      with open(self.path, encoding='utf-8') as file:
        self.assertEqual(file.read(), 'old')

  def test_an_error_leaves_the_old_file_alone(self):
    files.write_atomically(self.path, b'old')
    with self.assertRaisesRegex(ZeroDivisionError, 'x'):
      with files.replace_when_whole(self.path) as unfinished:
        self.write(unfinished, 'half')
        raise ZeroDivisionError('x')
    self.assert_only_file('old')

  def test_a_full_disk_leaves_the_old_file_alone(self):
    files.write_atomically(self.path, b'old')
    with mock.patch.object(os, 'fsync', side_effect=OSError(28, 'No space')):
      with self.assertRaises(OSError):
        files.write_atomically(self.path, b'new')
    self.assert_only_file('old')

  def test_a_folder_takes_the_place_of_a_folder_and_of_a_file(self):
    self.write(self.path, 'file')
    for name in ('first', 'second'):
      with files.replace_when_whole(self.path) as unfinished:
        os.makedirs(unfinished)
        self.write(os.path.join(unfinished, name), 'text')
      self.assertEqual(os.listdir(self.folder), ['model.keras'])
      self.assertEqual(os.listdir(self.path), [name])

  def test_a_file_of_the_current_folder(self):
    before = os.getcwd()
    self.addCleanup(os.chdir, before)
    os.chdir(self.folder)
    files.write_atomically('model.keras', b'new')
    self.assert_only_file('new')

  def test_what_killed_programs_left_is_removed(self):
    files.write_atomically(self.path, b'whole')
    for name in ('unfinished.1.model.keras', 'unfinished.2.config.flags'):
      self.write(os.path.join(self.folder, name), 'half')
    os.makedirs(os.path.join(self.folder, 'unfinished.3.saved_model', 'assets'))
    files.remove_unfinished(self.folder)
    self.assert_only_file('whole')


if __name__ == '__main__':
  absltest.main()
