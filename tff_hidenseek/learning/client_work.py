"""What one client does in one round: the interface every algorithm implements.

An implementation is plain TensorFlow without placements. It is built anew
inside each computation that runs it, because there its variables are made.
"""

import abc
from typing import Any

import tensorflow as tf

from tff_hidenseek.learning import client_optimizers
from tff_hidenseek.learning import local_training
from tff_hidenseek.learning import losses


class ClientWork(abc.ABC):
  """One client's work on one model.

  Attributes:
    model: The Keras model that the client trains; after `train` it is the
      client's personal model.
  """

  model: tf.keras.Model

  @abc.abstractmethod
  def start(self, message, client_state) -> None:
    """Sets the model from the server's message and the client's own state."""

  @abc.abstractmethod
  def train(self, data, seed: tf.Tensor) -> tf.Tensor:
    """Trains on the client's data; returns the mean loss, `float32[]`."""

  @abc.abstractmethod
  def make_upload(self, seed: tf.Tensor) -> Any:
    """Returns what the client sends: a structure of tensors."""

  def make_client_state(self) -> Any:
    """Returns what the client keeps for its next round."""
    return ()


class GradientClientWork(ClientWork):
  """Local training by gradient steps on the model's trainable variables."""

  def __init__(self, model: tf.keras.Model, options):
    """Initializes the work.

    Args:
      model: The model to train.
      options: A `LocalTrainingOptions`.
    """
    self.model = model
    self._options = options
    self._optimizer = client_optimizers.build_client_optimizer(
        options.client_optimizer,
        options.client_learning_rate,
        model.trainable_variables,
    )

  def after_step(self) -> None:
    """Is called after every step, for what depends on the variables."""

  def train(self, data, seed):
    variables = self.model.trainable_variables
    num_classes = self.model.output_shape[-1]
    present = losses.present_classes(data['y'], num_classes)

    def train_on_batch(x, y):
      with tf.GradientTape() as tape:
        logits = self.model(x, training=True)
        if self._options.label_restricted_loss:
          loss = losses.restricted_cross_entropy(logits, y, present)
        else:
          loss = losses.cross_entropy(logits, y)
      gradients = tape.gradient(loss, variables)
      self._optimizer.apply_gradients(zip(gradients, variables))
      self.after_step()
      return loss

    return local_training.run_epochs(
        train_on_batch,
        data,
        seed,
        num_epochs=self._options.num_epochs,
        batch_size=self._options.batch_size,
    )
