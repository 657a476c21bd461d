r"""A client on a device, without TensorFlow: NumPy and LiteRT alone.

It enrols with a device server, trains on its own examples in every round, and
sends its votes and nothing else. When the federation ends it writes what
training cost to --report. `binaries.device_server` starts some for a try-out:

python -m binaries.device_client --server=https://federation.example:8443 \
    --enrolment_token_file=token --examples=examples.npz --client_dir=me
"""

import sys

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.export import litert
from tff_hidenseek.on_device import client as client_lib
from tff_hidenseek.on_device import connection as connection_lib
from tff_hidenseek.on_device import session as session_lib
from tff_hidenseek.on_device import tls

_SERVER = flags.DEFINE_string(
    'server', None, 'The device server, as https://HOST:PORT.'
)
_CERTIFICATE = flags.DEFINE_string(
    'certificate',
    None,
    'A PEM file of the certificate that the server is known by; default: the '
    'system\'s authorities vouch for it.',
)
_TOKEN = flags.DEFINE_string(
    'enrolment_token', None, 'What the server wants to know of new clients.'
)
_TOKEN_FILE = flags.DEFINE_string(
    'enrolment_token_file', None, 'A file with that token.'
)
_CLIENT_DIR = flags.DEFINE_string(
    'client_dir',
    None,
    'A folder for this client\'s secret, by which it is known again, and the '
    'model.',
)
_EXAMPLES = flags.DEFINE_string(
    'examples', None, 'An .npz file with the examples, arrays x and y.'
)
_REPORT = flags.DEFINE_string('report', None, 'A .json file to write.')
_SEED = flags.DEFINE_integer('seed', 0, 'Shuffles the examples.', 0)
_GIVE_UP_SECONDS = flags.DEFINE_float(
    'give_up_seconds',
    600.0,
    'For how long a request is repeated while the server does not answer.',
    lower_bound=0.0,
)


def _read_token():
  if _TOKEN_FILE.value is None:
    return _TOKEN.value
  if _TOKEN.value is not None:
    raise ValueError(
        '`enrolment_token` must not be given with `enrolment_token_file`, '
        'found both.'
    )
  with open(_TOKEN_FILE.value, encoding='utf-8') as file:
    return file.read().strip()


def main(argv):
  with command_line.user_errors():
    command_line.check_arguments(argv)
    examples = client_lib.read_examples(_EXAMPLES.value)
    connection = connection_lib.Connection(
        _SERVER.value,
        tls.make_client_context(_CERTIFICATE.value),
        _GIVE_UP_SECONDS.value,
    )
    session = session_lib.Session(
        connection, _CLIENT_DIR.value, _read_token()
    )
    client = client_lib.DeviceClient(
        litert.open_content(session.fetch_model()),
        *examples,
        session.description.learning_rate,
        session.description.num_epochs,
        _SEED.value,
    )
    session.take_part(
        client.run_round, lambda sentence: print(sentence, file=sys.stderr)
    )
    if _REPORT.value:
      client.write_report(_REPORT.value)


def run():
  flags.mark_flags_as_required(['server', 'client_dir', 'examples'])
  command_line.run(main)


if __name__ == '__main__':
  run()
