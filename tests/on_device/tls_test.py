"""Tests of who believes whom, on the real device server on loopback."""

import os
import ssl

from absl.testing import absltest

from tests.on_device import counting_federation
from tests.on_device import server_test_case
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import self_signed
from tff_hidenseek.on_device import session as session_lib
from tff_hidenseek.on_device import tls


class TlsTest(server_test_case.ServerTestCase):

  def test_speaks_tls_to_those_who_trust_the_certificate(self):
    folder = self.create_tempdir().full_path
    certificate, key = self_signed.make_certificate(folder, '127.0.0.1')
    self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
    served = self.serve(
        tls_context=tls.make_server_context(certificate, key), num_clients=1
    )
    url = f'https://127.0.0.1:{served.port}'
    session = session_lib.Session(
        connection_lib.Connection(url, tls.make_client_context(certificate)),
        self.create_tempdir().full_path,
        counting_federation.TOKEN,
    )
    self.assertEqual(session.fetch_model(), counting_federation.MODEL)
    session.take_part(lambda message, number: bytes(3))
    self.assertEqual(served.learner.num_voters, [1, 1])
    stranger = connection_lib.Connection(url, tls.make_client_context())
    with self.assertRaisesRegex(OSError, 'is not trusted: self.signed'):
      stranger.request('GET', '/v1/federation', {})
    plain = connection_lib.Connection(served.url, give_up_seconds=0)
    with self.assertRaisesRegex(OSError, 'does not answer'):
      plain.request('GET', '/v1/federation', {})

  def test_old_tls_is_refused(self):
    folder = self.create_tempdir().full_path
    context = tls.make_server_context(
        *self_signed.make_certificate(folder, 'localhost')
    )
    self.assertEqual(context.minimum_version, ssl.TLSVersion.TLSv1_2)

  def test_files_that_are_no_certificate_are_refused(self):
    folder = self.create_tempdir().full_path
    certificate, key = self_signed.make_certificate(folder, 'localhost')
    other, _ = self_signed.make_certificate(
        self.create_tempdir().full_path, 'localhost'
    )
    with self.assertRaisesRegex(ValueError, 'must be PEM files that belong'):
      tls.make_server_context(other, key)
    with self.assertRaisesRegex(ValueError, 'must be PEM files that belong'):
      tls.make_server_context(key, key)
    with self.assertRaisesRegex(ValueError, 'must be files, found none'):
      tls.make_server_context('none', key)
    with self.assertRaisesRegex(ValueError, '`certificate` must be a PEM file'):
      tls.make_client_context(key)
    # A second call finds what the first one made.
    again = self_signed.make_certificate(folder, 'localhost')
    self.assertEqual(again, (certificate, key))


if __name__ == '__main__':
  absltest.main()
