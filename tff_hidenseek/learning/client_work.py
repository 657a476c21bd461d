"""What one client does in one round: the interface every algorithm implements.

An implementation is plain TensorFlow without placements. It is built anew
inside each computation that runs it, because there its variables are made.
"""

import abc
from typing import Any, Mapping, Optional, Sequence

import tensorflow as tf

from tff_hidenseek.layers import class_prior
from tff_hidenseek.learning import client_optimizers
from tff_hidenseek.learning import local_training
from tff_hidenseek.learning import losses
from tff_hidenseek.learning import options as options_lib

# The examples of one client (see `client_data`).
Data = Mapping[str, tf.Tensor]


def num_bytes(structure: Any) -> tf.Tensor:
  """Returns the size of a structure of tensors in bytes, as `int64[]`.

  A tensor counts its number of elements at run time times the size of its
  dtype, so a payload of unknown length is counted as long as it really is.
  """
  sizes = [
      tf.size(tensor, out_type=tf.int64) * tensor.dtype.size
      for tensor in tf.nest.flatten(structure)
  ]
  return tf.add_n(sizes) if sizes else tf.constant(0, tf.int64)


class ClientWork(abc.ABC):
  """One client's work on one model.

  Attributes:
    model: The Keras model that the client trains, as the server knows it.
    personal_model: The client's own model after `personalize`: the same, or
      with layers that only the client has.
    leaves_out_absent_classes: Whether the loss gives a class that the client
      has no example of no gradient.
    round_num: The round that the upload is for, `int32[]`; set before
      `make_upload`.
  """

  model: tf.keras.Model
  personal_model: tf.keras.Model
  leaves_out_absent_classes: bool = False
  round_num: tf.Tensor

  @abc.abstractmethod
  def start(self, message: Any, client_state: Any) -> None:
    """Sets the model from the server's message and the client's own state."""

  def prepare(self, message: Any) -> None:
    """Does what `restart` need not do for every client of a cohort.

    Args:
      message: The server's message, the same for all of them.
    """
    del message

  def restart(self, message: Any) -> None:
    """Starts one more client, who keeps nothing, after `prepare`.

    It forgets the client before.
    """
    self.start(message, ())

  @abc.abstractmethod
  def train(self, data: Data, seed: tf.Tensor) -> tf.Tensor:
    """Trains on the client's data; returns the mean loss, `float32[]`."""

  def personalize(self, data: Data, seed: tf.Tensor) -> tf.Tensor:
    """Trains the client's own model out of a round; returns the mean loss."""
    return self.train(data, seed)

  @abc.abstractmethod
  def make_upload(self, seed: tf.Tensor) -> Any:
    """Returns what the client sends: a structure of tensors."""

  def make_client_state(self) -> Any:
    """Returns what the client keeps for its next round."""
    return ()

  def count_received(self, message: Any) -> tf.Tensor:
    """Returns the bytes that the server sends this client, `int64[]`.

    The whole message, unless the server would send the client a part of it:
    TFF broadcasts the same to all.
    """
    return num_bytes(message)

  def count_sent(self, upload: Any) -> tf.Tensor:
    """Returns the bytes that this client sends, `int64[]`.

    The whole upload, unless the server would remember a part of it from the
    client's last one: TFF's aggregates remember no client.
    """
    return num_bytes(upload)


class GradientClientWork(ClientWork):
  """Local training by gradient steps."""

  def __init__(
      self,
      model: tf.keras.Model,
      options: options_lib.LocalTrainingOptions,
      variables: Optional[Sequence[tf.Variable]] = None,
  ) -> None:
    """Initializes the work.

    Args:
      model: The model to train.
      options: A `LocalTrainingOptions`.
      variables: What the steps change; by default the model's trainable
        variables.
    """
    self.model = model
    self.personal_model = model
    self._options = options
    self.leaves_out_absent_classes = options.class_prior
    if options.class_prior:
      self.personal_model = class_prior.append_class_prior(model)
    self._variables = variables or model.trainable_variables
    self._optimizer = client_optimizers.build_client_optimizer(
        options.client_optimizer,
        options.client_learning_rate,
        self._variables,
        options.client_momentum,
    )

  def restart(self, message: Any) -> None:
    self._optimizer.reset()
    super().restart(message)

  def route_gradients(
      self, gradients: Sequence[tf.Tensor]
  ) -> Sequence[tf.Tensor]:
    """Maps the gradients of the model's trainable variables to `variables`."""
    return gradients

  def after_step(self) -> None:
    """Is called after every step, for what depends on the variables."""

  def train(self, data: Data, seed: tf.Tensor) -> tf.Tensor:
    return self.train_epochs(data, seed, self._options.num_epochs)

  def train_epochs(
      self, data: Data, seed: tf.Tensor, num_epochs: int
  ) -> tf.Tensor:
    """Trains for some epochs; returns the mean loss, `float32[]`."""
    if self._options.class_prior:
      num_classes = self.model.output_shape[-1]
      self.personal_model.layers[-1].log_prior.assign(
          losses.log_class_prior(data['y'], num_classes)
      )

    def train_on_batch(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
      with tf.GradientTape() as tape:
        loss = losses.cross_entropy(self.personal_model(x, training=True), y)
      gradients = self.route_gradients(
          tape.gradient(loss, self.model.trainable_variables)
      )
      self._optimizer.apply_gradients(zip(gradients, self._variables))
      self.after_step()
      return loss

    return local_training.run_epochs(
        train_on_batch,
        data,
        seed,
        num_epochs=num_epochs,
        batch_size=self._options.batch_size,
    )
