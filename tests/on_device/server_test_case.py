"""A real server in a test, and clients of it."""

from absl.testing import parameterized

from tests.on_device import counting_federation
from tests.on_device import stepping_client


class ServerTestCase(parameterized.TestCase):
  """Serves federations for as long as a test runs."""

  def serve(self, folder=None, tls_context=None, **settings):
    """Returns a `Served`, of a new folder if none is given."""
    return self.enter_context(
        counting_federation.serve(
            folder or self.create_tempdir().full_path, tls_context, **settings
        )
    )

  def take_part(self, served, num_clients=3):
    """Returns clients that have taken part in the open round."""
    clients = [
        stepping_client.SteppingClient(served.url, i)
        for i in range(num_clients)
    ]
    for client in clients:
      client.take()
    return clients
