"""Tests of where the files of LiteRT.js are."""

import pathlib
import shutil
from unittest import mock

from absl.testing import absltest

from tff_hidenseek.on_device.web import litert_files


class CheckTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.folder = pathlib.Path(self.create_tempdir().full_path)
    self.enter_context(
        mock.patch.object(litert_files, 'FOLDER', self.folder)
    )

  def test_files_that_are_absent_are_told_how_to_fetch(self):
    with self.assertRaisesRegex(
        FileNotFoundError,
        '^The page needs the files of LiteRT.js in .*: run `make web`, or '
        '`python -m tff_hidenseek.on_device.web.litert_files`, which needs npm',
    ):
      litert_files.check()

  def test_files_of_another_lock_are_not_taken(self):
    lock = pathlib.Path(litert_files.__file__).parent / 'package-lock.json'
    shutil.copy(lock, self.folder)
    litert_files.check()
    (self.folder / 'package-lock.json').write_text('{}', encoding='utf-8')
    with self.assertRaises(FileNotFoundError):
      litert_files.check()


if __name__ == '__main__':
  absltest.main()
