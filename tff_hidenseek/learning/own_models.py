"""The Keras models of a state: the server's, and those of clients."""

from typing import Any

import tensorflow as tf

from tff_hidenseek.layers import class_prior
from tff_hidenseek.learning import client_computations
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import server_computations


class OwnModels:
  """Makes the Keras models that an algorithm's state stands for."""

  def __init__(
      self,
      task: federated_algorithm.LearningTask,
      method: federated_algorithm.Method,
  ) -> None:
    """Prepares for models.

    Args:
      task: What is learned.
      method: What the algorithm does.
    """
    self._task = task
    self._method = method

  def build_global_model(
      self, state: federated_algorithm.ServerState
  ) -> tf.keras.Model:
    """Makes the global model of a state; see `LearningTask.trained_classes`."""
    client = self._method.build_client()
    client.start(
        self._make_final_broadcast(state)['content'],
        self._to_client_state(None),
    )
    penalty = client_computations.untrained_penalty(client, self._task)
    if penalty is None:
      return client.model
    model = class_prior.append_class_prior(client.model)
    model.layers[-1].log_prior.assign(penalty)
    return model

  def build_personal_model(
      self, state: federated_algorithm.ServerState, client_state: Any, data: Any
  ) -> tf.keras.Model:
    """Makes a client's own model by its local training.

    Args:
      state: The server's state.
      client_state: What the client kept; `None` is what it has at the start.
      data: The client's training examples (see `client_data`).

    Returns:
      The model.
    """
    client = self._method.build_client()
    message = self._make_final_broadcast(state)
    kept = self._to_client_state(client_state)

    @tf.function(autograph=False)
    def run() -> None:
      client.start(message['content'], kept)
      client_computations.personalize_client(
          client, message, data, self._task.seed
      )

    run()
    return client.personal_model

  def _make_final_broadcast(
      self, state: federated_algorithm.ServerState
  ) -> Any:
    return server_computations.make_broadcast(
        self._method.make_final_message, _to_tensors(state)
    )

  def _to_client_state(self, client_state: Any) -> Any:
    if not self._method.is_stateful:
      return ()
    if client_state is None:
      client_state = self._method.initial_client_state
    return _to_tensors(client_state)


def _to_tensors(structure: Any) -> Any:
  return tf.nest.map_structure(tf.constant, structure)
