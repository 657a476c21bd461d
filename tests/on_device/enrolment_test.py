"""Tests of who may take part."""

import os
import stat

from absl.testing import absltest

from tff_hidenseek.on_device import enrolment as enrolment_lib
from tff_hidenseek.on_device import protocol

_TOKEN = 'token'


class EnrolmentTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.path = os.path.join(self.create_tempdir(), 'enrolled')

  def _open(self):
    return enrolment_lib.Enrolment(self.path, _TOKEN, 2)

  def test_secret_enrols_once_also_after_a_restart(self):
    enrolment = self._open()
    self.assertEqual(enrolment.enrol(_TOKEN, b'a' * 32), 0)
    self.assertEqual(enrolment.enrol(_TOKEN, b'b' * 32), 1)
    self.assertEqual(enrolment.enrol(_TOKEN, b'a' * 32), 0)
    enrolment.close()
    enrolment = self._open()
    self.assertEqual(enrolment.num_enrolled, 2)
    self.assertEqual(enrolment.enrol('', b'b' * 32), 1)
    self.assertEqual(enrolment.find(b'a' * 32), 0)
    self.assertIsNone(enrolment.find(b'c' * 32))

  def test_strangers_are_refused(self):
    enrolment = self._open()
    for token, secret, sentence in (
        ('tokem', b'a' * 32, 'token is not the one'),
        ('', b'a' * 32, 'token is not the one'),
        ('tok\udcff', b'a' * 32, 'token is not the one'),
        (_TOKEN, b'a' * 31, 'A secret has 32 bytes, found 31'),
    ):
      with self.assertRaisesRegex(protocol.Refusal, sentence):
        enrolment.enrol(token, secret)
    self.assertEqual(enrolment.num_enrolled, 0)

  def test_full_federation_takes_nobody(self):
    enrolment = self._open()
    for secret in (b'a' * 32, b'b' * 32):
      enrolment.enrol(_TOKEN, secret)
    with self.assertRaisesRegex(protocol.Refusal, 'All 2 places are taken'):
      enrolment.enrol(_TOKEN, b'c' * 32)

  def test_secrets_are_not_kept(self):
    self._open().enrol(_TOKEN, b'a secret of thirty-two letters..')
    with open(self.path, 'rb') as file:
      self.assertNotIn(b'secret', file.read())

  def test_token_is_drawn_once_for_its_owner_alone(self):
    path = os.path.join(self.create_tempdir(), 'token')
    token = enrolment_lib.read_or_draw_token(path)
    self.assertLen(token, 32)
    self.assertEqual(enrolment_lib.read_or_draw_token(path), token)
    self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)


if __name__ == '__main__':
  absltest.main()
