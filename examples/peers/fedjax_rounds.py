"""Rounds of W2 on FedJAX, whose clients are trained by one jitted function."""

import fedjax
import jax
import jax.numpy as jnp
import numpy as np
import peer_clients


def _loss(params, batch):
  logits = batch['x'] @ params['kernel'] + params['bias']
  log_probabilities = jax.nn.log_softmax(logits)
  return -jnp.mean(
      jnp.take_along_axis(log_probabilities, batch['y'][:, None], axis=1)
  )


def main():
  clients = [
      (
          str(i).encode(),
          fedjax.ClientDataset({'x': x, 'y': y}),
          jax.random.PRNGKey(i),
      )
      for i, (x, y) in enumerate(peer_clients.make_clients())
  ]
  algorithm = fedjax.algorithms.fed_avg.federated_averaging(
      lambda params, batch, rng: jax.grad(_loss)(params, batch),
      client_optimizer=fedjax.optimizers.sgd(peer_clients.LEARNING_RATE),
      server_optimizer=fedjax.optimizers.sgd(1.0),
      client_batch_hparams=fedjax.ShuffleRepeatBatchHParams(
          batch_size=peer_clients.BATCH_SIZE, num_epochs=1
      ),
  )
  shape = peer_clients.IMAGE_SIZE, peer_clients.NUM_CLASSES
  state = algorithm.init({
      'kernel': jnp.asarray(
          np.random.default_rng(0).normal(0, 0.03, shape), jnp.float32
      ),
      'bias': jnp.zeros(shape[1]),
  })

  def run_round():
    nonlocal state
    state, _ = algorithm.apply(state, clients)
    jax.block_until_ready(state.params)

  peer_clients.serve(run_round)


if __name__ == '__main__':
  main()
