"""Rounds of W2 on pfl-research, with a Keras model."""

import time

import numpy as np
import peer_clients
from pfl.aggregate.simulate import SimulatedBackend
from pfl.algorithm.base import NNAlgorithmParams
from pfl.algorithm.federated_averaging import FederatedAveraging
from pfl.callback.base import TrainingProcessCallback
from pfl.data import FederatedDataset
from pfl.data.dataset import Dataset
from pfl.data.sampling import get_user_sampler
from pfl.hyperparam import NNTrainHyperParams
from pfl.metrics import Metrics
from pfl.model.tensorflow import TFModel
import tensorflow as tf

_MANY = 10_000


class _Rounds(TrainingProcessCallback):
  """Answers after every round, and waits before the next."""

  def __init__(self):
    self._start = None

  def after_central_iteration(
      self, aggregate_metrics, model, *, central_iteration
  ):
    if self._start is None:  # The first round compiles.
      peer_clients.tell('ready')
    else:
      peer_clients.tell(str(time.monotonic() - self._start))
    is_over = not peer_clients.wait_for_round()
    self._start = time.monotonic()
    return is_over, Metrics()


def main():
  clients = [
      (tf.constant(x), tf.constant(y)) for x, y in peer_clients.make_clients()
  ]
  model = tf.keras.Sequential([
      tf.keras.layers.InputLayer((peer_clients.IMAGE_SIZE,)),
      tf.keras.layers.Dense(peer_clients.NUM_CLASSES),
  ])
  model.compile(
      loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
  )
  dataset = FederatedDataset(
      lambda i: Dataset(clients[i], user_id=str(i)),
      get_user_sampler('minimize_reuse', np.arange(len(clients))),
  )
  FederatedAveraging().run(
      NNAlgorithmParams(
          central_num_iterations=_MANY,
          evaluation_frequency=_MANY,
          train_cohort_size=len(clients),
          val_cohort_size=None,
      ),
      SimulatedBackend(training_data=dataset, val_data=None),
      TFModel(model, {}, tf.keras.optimizers.SGD(1.0)),
      NNTrainHyperParams(
          local_num_epochs=1,
          local_learning_rate=peer_clients.LEARNING_RATE,
          local_batch_size=peer_clients.BATCH_SIZE,
      ),
      callbacks=[_Rounds()],
  )


if __name__ == '__main__':
  main()
