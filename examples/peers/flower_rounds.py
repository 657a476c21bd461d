"""Rounds of W2 with Flower's FedAvg strategy and NumPy clients, in one process.

Its simulation engine would add the start of a process and messages to this.
"""

import flwr
from flwr.common import Code
from flwr.common import FitRes
from flwr.common import ndarrays_to_parameters
from flwr.common import parameters_to_ndarrays
from flwr.common import Status
import numpy as np
import peer_clients


def _train(weights, x, y, rng):
  """Trains one client by hand; returns its weights."""
  kernel, bias = (w.copy() for w in weights)
  order = rng.permutation(len(y))
  for start in range(0, len(y), peer_clients.BATCH_SIZE):
    chosen = order[start : start + peer_clients.BATCH_SIZE]
    batch = x[chosen]
    logits = batch @ kernel + bias
    logits -= logits.max(axis=1, keepdims=True)
    gradient = np.exp(logits)
    gradient /= gradient.sum(axis=1, keepdims=True)
    gradient[np.arange(len(chosen)), y[chosen]] -= 1
    gradient *= peer_clients.LEARNING_RATE / len(chosen)
    kernel -= batch.T @ gradient
    bias -= gradient.sum(axis=0)
  return [kernel, bias]


def main():
  clients = peer_clients.make_clients()
  strategy = flwr.server.strategy.FedAvg(
      fit_metrics_aggregation_fn=lambda metrics: {}
  )
  shape = peer_clients.IMAGE_SIZE, peer_clients.NUM_CLASSES
  rng = np.random.default_rng(0)
  kernel = rng.normal(0, 0.03, shape).astype(np.float32)
  parameters = ndarrays_to_parameters([kernel, np.zeros(10, np.float32)])

  def run_round():
    nonlocal parameters
    results = [
        (
            None,
            FitRes(
                Status(Code.OK, ''),
                ndarrays_to_parameters(
                    _train(parameters_to_ndarrays(parameters), x, y, rng)
                ),
                len(y),
                {},
            ),
        )
        for x, y in clients
    ]
    parameters, _ = strategy.aggregate_fit(1, results, [])

  peer_clients.serve(run_round)


if __name__ == '__main__':
  main()
