"""A certificate that a try-out signs itself."""

import datetime
import ipaddress
import os
from typing import Tuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import oid

from tff_hidenseek import files
from tff_hidenseek.on_device import enrolment

_DAYS = 30
# It is the server's certificate and its own authority.
_KEY_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def make_certificate(folder: str, host: str) -> Tuple[str, str]:
  """Makes a key and a certificate that it signs itself, unless they are there.

  Args:
    folder: Where they lie; only its owner may read the key.
    host: The name or address of the server, besides this machine's own.

  Returns:
    The paths of the certificate and of the key.
  """
  certificate_path = os.path.join(folder, 'certificate.pem')
  key_path = os.path.join(folder, 'private_key.pem')
  if os.path.exists(certificate_path):
    return certificate_path, key_path
  if os.path.exists(key_path):
    os.remove(key_path)  # The program was killed between the two files.
  key = ec.generate_private_key(ec.SECP256R1())
  name = x509.Name([x509.NameAttribute(oid.NameOID.COMMON_NAME, host)])
  now = datetime.datetime.now(datetime.timezone.utc)
  names = dict.fromkeys([host, 'localhost', '127.0.0.1', '::1'])
  certificate = (
      x509.CertificateBuilder()
      .subject_name(name)
      .issuer_name(name)
      .public_key(key.public_key())
      .serial_number(x509.random_serial_number())
      .not_valid_before(now - datetime.timedelta(days=1))
      .not_valid_after(now + datetime.timedelta(days=_DAYS))
      .add_extension(
          x509.SubjectAlternativeName([_general_name(n) for n in names]), False
      )
      .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
      .add_extension(_KEY_USAGE, True)
      .add_extension(
          x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
      )
      .sign(key, hashes.SHA256())
  )
  enrolment.write_private(
      key_path,
      key.private_bytes(
          serialization.Encoding.PEM,
          serialization.PrivateFormat.PKCS8,
          serialization.NoEncryption(),
      ),
  )
  files.write_atomically(
      certificate_path, certificate.public_bytes(serialization.Encoding.PEM)
  )
  return certificate_path, key_path


def _general_name(name):
  try:
    return x509.IPAddress(ipaddress.ip_address(name))
  except ValueError:
    return x509.DNSName(name)
