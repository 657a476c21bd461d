"""TLS: what a server shows, and what a client trusts."""

import ssl
from typing import Optional


def make_server_context(certificate: str, private_key: str) -> ssl.SSLContext:
  """Returns what a server needs to speak TLS 1.2 or newer.

  Args:
    certificate: The path of a PEM file: the certificate and those that signed
      it.
    private_key: The path of the PEM file of its key.

  Raises:
    ValueError: If the files are no certificate and its key.
  """
  context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
  context.minimum_version = ssl.TLSVersion.TLSv1_2
  try:
    context.load_cert_chain(certificate, private_key)
  except FileNotFoundError as error:
    raise ValueError(
        '`certificate` and `private_key` must be files, found '
        f'{certificate} and {private_key}.'
    ) from error
  except ssl.SSLError as error:
    raise ValueError(
        '`certificate` and `private_key` must be PEM files that belong '
        f'together, found {certificate} and {private_key} ({error.reason}).'
    ) from error
  return context


def make_client_context(certificate: Optional[str] = None) -> ssl.SSLContext:
  """Returns what a client needs to know the server by.

  Args:
    certificate: The path of a PEM file that is trusted; if `None`, the
      system's authorities are.

  Raises:
    ValueError: If the file is no certificate.
  """
  try:
    return ssl.create_default_context(cafile=certificate)
  except (OSError, ssl.SSLError) as error:
    raise ValueError(
        f'`certificate` must be a PEM file, found {certificate}.'
    ) from error
