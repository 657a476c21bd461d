"""Flags of the device server: where it listens, whom it believes, when it ends.

What it trains is said by the flags of an experiment.
"""

import ipaddress
import os
import ssl
from typing import List, Optional, Tuple
import urllib.parse

from absl import flags

from tff_hidenseek.on_device import enrolment
from tff_hidenseek.on_device import federation
from tff_hidenseek.on_device import listening
from tff_hidenseek.on_device import rounds
from tff_hidenseek.on_device import self_signed
from tff_hidenseek.on_device import tls

TOKEN_FILE = 'enrolment_token'


def define_device_server_flags() -> None:
  """Defines the flags."""
  flags.DEFINE_string('host', '127.0.0.1', 'The address to listen at.')
  flags.DEFINE_integer(
      'port', 0, 'The port to listen at; 0 is a free one.', 0, 2**16 - 1
  )
  flags.DEFINE_string(
      'certificate', None, 'TLS: a PEM file of the certificate and its chain.'
  )
  flags.DEFINE_string('private_key', None, 'TLS: a PEM file of its key.')
  flags.DEFINE_bool(
      'self_signed',
      False,
      'TLS with a certificate that is made for a try-out, certificate.pem in '
      '--output_dir, which clients must be given.',
  )
  flags.DEFINE_string(
      'enrolment_token',
      None,
      'What a client must know to enrol; others on this machine may see the '
      'flags of a program.',
  )
  flags.DEFINE_string(
      'enrolment_token_file',
      None,
      'The file of the token; default: enrolment_token in --output_dir, where '
      'one is drawn.',
  )
  flags.DEFINE_integer(
      'quorum',
      None,
      'How many clients a round needs, once --round_seconds are over; default: '
      'all. With --secure_aggregation, more than half of all.',
  )
  flags.DEFINE_float(
      'round_seconds',
      600.0,
      'How long a step of a round waits for clients, from the first that takes '
      'part in it.',
  )
  flags.DEFINE_float(
      'requests_per_second',
      listening.Limits().requests_per_second,
      'How many requests a client, or an address without one, may make.',
      lower_bound=1.0,
  )
  flags.DEFINE_bool(
      'web',
      False,
      'Serves a page on which a browser takes part, and a dashboard.',
  )
  flags.DEFINE_integer(
      'web_clients',
      1,
      'With --web: how many of the clients are pages, for which no process is '
      'started.',
      lower_bound=1,
  )
  flags.DEFINE_bool(
      'secure_aggregation',
      False,
      'Clients mask their votes, so that the server sees the sum alone.',
  )


def make_settings(config, output_dir: str) -> federation.Settings:
  """Returns what the federation is.

  Args:
    config: The `ExperimentConfig`.
    output_dir: The folder of the federation, which exists.

  Raises:
    ValueError: If a flag breaks its rule.
    OSError: If the file of the token cannot be read.
  """
  values = flags.FLAGS
  quorum = values.quorum
  return federation.Settings(
      rules=rounds.RoundRules(
          num_clients=config.num_clients,
          quorum=config.num_clients if quorum is None else quorum,
          num_rounds=config.num_rounds,
          round_seconds=values.round_seconds,
      ),
      enrolment_token=_read_token(output_dir),
      learning_rate=config.options.client_learning_rate,
      num_epochs=config.options.num_epochs,
      secure_aggregation=values.secure_aggregation,
      limits=listening.Limits(
          requests_per_second=values.requests_per_second
      ),
  )


def check_web(config) -> None:
  """Raises `ValueError` if pages cannot take part.

  Args:
    config: The `ExperimentConfig`.
  """
  values = flags.FLAGS
  if not values.web:
    return
  if values.secure_aggregation:
    raise ValueError(
        '`secure_aggregation` must not be given with `web`, found both: a page '
        'cannot mask its votes.'
    )
  if values.web_clients > config.num_clients:
    raise ValueError(
        '`web_clients` must be at most `num_clients`, found '
        f'{values.web_clients} and {config.num_clients}.'
    )


def page_address(settings: federation.Settings, url: str) -> str:
  """Returns the link with which a visitor takes part.

  Args:
    settings: What the federation is.
    url: The server's address.

  Returns:
    The address of the page. What follows its # is not sent to the server when
    the page is opened.
  """
  return f'{url}/#{urllib.parse.quote(settings.enrolment_token)}'


def check_tls() -> None:
  """Raises `ValueError` if the flags of TLS do not fit together."""
  values = flags.FLAGS
  if bool(values.certificate) != bool(values.private_key):
    raise ValueError('`certificate` and `private_key` must be given together.')
  if values.certificate and values.self_signed:
    raise ValueError(
        '`self_signed` must not be given with `certificate`, found both.'
    )
  if not (values.certificate or values.self_signed or _is_loopback()):
    raise ValueError(
        '`host` must be this machine\'s own, such as 127.0.0.1, without TLS, '
        f'found {values.host}: add --certificate and --private_key, or '
        '--self_signed.'
    )


def make_tls(
    output_dir: str,
) -> Tuple[Optional[ssl.SSLContext], Optional[str]]:
  """Returns what TLS needs, and the certificate that clients must be given.

  Args:
    output_dir: The folder of the federation, for a certificate that is made.

  Raises:
    ValueError: If the files are no certificate and its key.
  """
  values = flags.FLAGS
  if values.self_signed:
    certificate, key = self_signed.make_certificate(output_dir, values.host)
    return tls.make_server_context(certificate, key), certificate
  if values.certificate:
    context = tls.make_server_context(values.certificate, values.private_key)
    return context, values.certificate
  return None, None


def client_arguments(
    output_dir: str, port: int, certificate: Optional[str]
) -> List[str]:
  """Returns the flags by which a client on this machine finds the server.

  Args:
    output_dir: The folder of the federation.
    port: The port that the server listens at.
    certificate: The certificate by which it is known, if it speaks TLS.
  """
  values = flags.FLAGS
  token_file = values.enrolment_token_file
  token_file = token_file or os.path.join(output_dir, TOKEN_FILE)
  arguments = [f'--server={server_url(port, certificate is not None)}']
  if certificate:
    arguments.append(f'--certificate={certificate}')
  if values.enrolment_token is not None:
    return [*arguments, f'--enrolment_token={values.enrolment_token}']
  return [*arguments, f'--enrolment_token_file={token_file}']


def server_url(port: int, has_tls: bool) -> str:
  """Returns the address by which this machine finds the server."""
  # Who listens at every address is found at one.
  host = {'0.0.0.0': '127.0.0.1', '::': '::1'}.get(
      flags.FLAGS.host, flags.FLAGS.host
  )
  host = f'[{host}]' if ':' in host else host
  return f'{"https" if has_tls else "http"}://{host}:{port}'


def _read_token(output_dir):
  values = flags.FLAGS
  if values.enrolment_token is not None:
    if values.enrolment_token_file:
      raise ValueError(
          '`enrolment_token` must not be given with `enrolment_token_file`, '
          'found both.'
      )
    return values.enrolment_token
  path = values.enrolment_token_file
  if path:
    with open(path, encoding='utf-8') as file:
      return file.read().strip()
  return enrolment.read_or_draw_token(os.path.join(output_dir, TOKEN_FILE))


def _is_loopback():
  if flags.FLAGS.host == 'localhost':
    return True
  try:
    return ipaddress.ip_address(flags.FLAGS.host).is_loopback
  except ValueError:
    return False
