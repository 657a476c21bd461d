"""How the clients of a round are drawn, as far as a proof of privacy asks."""

import attrs


@attrs.frozen(kw_only=True)
class ClientSampling:
  """The distribution of a round's clients, each round anew.

  Attributes:
    num_clients: The clients that can be drawn.
    clients_per_round: How many a round counts at the most; with Poisson
      sampling how many it counts at the mean.
    is_poisson: Whether each client is drawn by a coin of its own, with chance
      `clients_per_round / num_clients`.
  """

  num_clients: int
  clients_per_round: int
  is_poisson: bool = False

  @property
  def most_clients(self) -> int:
    """How many clients a round counts at the most."""
    return self.num_clients if self.is_poisson else self.clients_per_round
