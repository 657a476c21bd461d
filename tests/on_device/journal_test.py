"""Tests of records that outlive the program."""

import os
import stat
from unittest import mock

from absl.testing import absltest

from tff_hidenseek.on_device import journal as journal_lib


class JournalTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir(), 'x.journal')

  def _write(self, *records):
    journal = journal_lib.Journal(self.path)
    for record in records:
      journal.append(record)
    journal.close()

  def _read(self):
    journal = journal_lib.Journal(self.path)
    journal.close()
    return journal.records

  def test_records_come_back_in_their_order(self):
    self._write(b'one', b'two')
    self._write(b'three')
    self.assertEqual(self._read(), [b'one', b'two', b'three'])

  def test_record_that_was_cut_anywhere_is_dropped_and_may_follow_again(self):
    self._write(b'one', b'two')
    with open(self.path, 'rb') as file:
      whole = file.read()
    for length in range(11, 22):  # A head of 8 bytes, and 3 bytes.
      with open(self.path, 'wb') as file:
        file.write(whole[:length])
      self._write(b'three')
      self.assertEqual(self._read(), [b'one', b'three'])

  def test_zeros_at_the_end_are_no_record(self):
    self._write(b'one')
    with open(self.path, 'ab') as file:
      file.write(bytes(100))
    self.assertEqual(self._read(), [b'one'])

  def test_damage_before_the_end_is_an_error(self):
    self._write(b'one', b'two')
    with open(self.path, 'r+b') as file:
      file.seek(8)
      file.write(b'x')
    with self.assertRaisesRegex(ValueError, 'is damaged: byte 0 begins no'):
      self._read()

  def test_restart_leaves_one_record_to_which_others_are_added(self):
    self._write(b'one', b'two')
    journal = journal_lib.Journal(self.path)
    journal.restart(b'three')
    journal.append(b'four')
    journal.close()
    self.assertEqual(journal.records, [b'three', b'four'])
    self.assertEqual(self._read(), [b'three', b'four'])

  def test_record_that_does_not_reach_the_disk_does_not_count(self):
    journal = journal_lib.Journal(self.path)
    journal.append(b'one')
    with mock.patch.object(os, 'fsync', side_effect=OSError(28, 'full')):
      with self.assertRaisesRegex(OSError, 'full'):
        journal.append(b'two')
    journal.append(b'three')
    journal.close()
    self.assertEqual(self._read(), [b'one', b'three'])

  def test_only_its_owner_may_read_it(self):
    self._write(b'one')
    self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)
    journal = journal_lib.Journal(self.path)
    journal.restart(b'two')
    journal.close()
    self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o600)


if __name__ == '__main__':
  absltest.main()
