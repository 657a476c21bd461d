"""What runs at a client, as TFF computations without placements.

Bytes are counted here, for all algorithms alike, from the tensors that a client
receives and sends.
"""

import collections
from typing import Any, Callable, Optional

import attrs
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import local_training
from tff_hidenseek.learning import losses
from tff_hidenseek.learning import random_seeds


@attrs.frozen(eq=False)
class ClientComputations:
  """An algorithm's computations at one client.

  Attributes:
    update: From `<message, client_state, data>` to `upload`, `weight` (its
      number of examples), `client_state` and the `totals` to be summed.
    count_correct: From `<message, data>` to `num_correct` and `num_examples` of
      the global model.
    count_received: From `<message, client_state>` to the bytes that the client
      is sent.
    train_and_count_correct: From `<message, client_state, train_data,
      test_data>` to those of the client's own model after local training.
  """

  update: tff.Computation
  count_correct: tff.Computation
  count_received: tff.Computation
  train_and_count_correct: tff.Computation


def _train_client(
    train_fn: Callable[[client_work.Data, tf.Tensor], tf.Tensor],
    message: Any,
    data: client_work.Data,
    seed: int,
) -> tf.Tensor:
  shuffle_seed = random_seeds.client_seed(
      seed,
      random_seeds.Purpose.SHUFFLE,
      message['round_num'],
      data['client_id'],
  )
  return train_fn(data, shuffle_seed)


def _count_received(
    client: client_work.ClientWork, message: Any
) -> tf.Tensor:
  return client.count_received(message['content']) + client_work.num_bytes(
      message['round_num']
  )


def personalize_client(
    client: client_work.ClientWork,
    message: Any,
    data: client_work.Data,
    seed: int,
) -> None:
  """Trains a client's own model as in the round that the message names.

  Args:
    client: The client's work, started.
    message: What the server broadcast: `round_num` and `content`.
    data: The client's data (see `client_data`).
    seed: The experiment's seed.
  """
  _train_client(client.personalize, message, data, seed)


def update_client(
    client: client_work.ClientWork,
    message: Any,
    data: client_work.Data,
    *,
    sends_weight: bool,
    seed: int,
    forge_upload: Optional[attacks.Forger] = None,
) -> Any:
  """Trains a client and makes all that it gives in a round.

  Args:
    client: The client's work, started.
    message: What the server broadcast: `round_num` and `content`.
    data: The client's data (see `client_data`).
    sends_weight: Whether the number of examples is sent with the upload.
    seed: The experiment's seed.
    forge_upload: The method's.

  Returns:
    What `ClientComputations.update` gives.
  """
  loss = _train_client(client.train, message, data, seed)
  vote_seed = random_seeds.client_seed(
      seed,
      random_seeds.Purpose.VOTE,
      message['round_num'],
      data['client_id'],
  )
  client.round_num = message['round_num']
  upload = client.make_upload(vote_seed)
  if forge_upload is not None:
    upload = forge_upload(upload, message, data['client_id'])
  weight = tf.cast(tf.size(data['y']), tf.float32)
  sent_weight = [weight] if sends_weight else []
  return collections.OrderedDict(
      upload=upload,
      weight=weight,
      client_state=client.make_client_state(),
      totals=collections.OrderedDict(
          loss=loss * weight,
          num_examples=weight,
          num_clients=tf.constant(1.0),
          bytes_up=client.count_sent(upload)
          + client_work.num_bytes(sent_weight),
          bytes_down=_count_received(client, message),
      ),
  )


def untrained_penalty(
    client: client_work.ClientWork, task: federated_algorithm.LearningTask
) -> Optional[npt.NDArray[np.float32]]:
  """Returns what keeps a global model from answering classes nobody trains on.

  A class without any example gets no gradient where the loss leaves out the
  classes that a client lacks, and its logits stay what chance made them.

  Args:
    client: The work of a client.
    task: What is learned.

  Returns:
    What is added to the logits, `float32[num_classes]`; `None` for nothing.
  """
  if task.trained_classes is None or not client.leaves_out_absent_classes:
    return None
  if np.all(task.trained_classes):
    return None
  return np.where(task.trained_classes, 0, losses.LEFT_OUT).astype(np.float32)


def build_client_computations(
    build_client: Callable[[], client_work.ClientWork],
    message_type: tff.Type,
    client_state_type: tff.Type,
    data_type: tff.Type,
    *,
    initial_client_state: Any,
    sends_weight: bool,
    task: federated_algorithm.LearningTask,
    forge_upload: Optional[attacks.Forger] = None,
) -> ClientComputations:
  """Builds the computations of an algorithm at one client.

  Args:
    build_client: Makes a client's work, with its variables.
    message_type: The type of what the server broadcasts.
    client_state_type: The type of what a client keeps.
    data_type: The type of a client's data.
    initial_client_state: What a client keeps at the start, as arrays.
    sends_weight: Whether the number of examples is sent with the upload.
    task: What is learned.
    forge_upload: The method's.

  Returns:
    The computations.
  """
  seed = task.seed

  @tff.tensorflow.computation(message_type, client_state_type, data_type)
  def update(message: Any, client_state: Any, data: client_work.Data) -> Any:
    client = build_client()

    @tf.function(autograph=False)
    def run() -> Any:
      client.start(message['content'], client_state)
      return update_client(
          client,
          message,
          data,
          sends_weight=sends_weight,
          seed=seed,
          forge_upload=forge_upload,
      )

    return run()

  @tff.tensorflow.computation(message_type, data_type)
  def count_correct(message: Any, data: client_work.Data) -> Any:
    client = build_client()

    @tf.function(autograph=False)
    def run() -> Any:
      client_state = tf.nest.map_structure(tf.constant, initial_client_state)
      client.start(message['content'], client_state)
      penalty = untrained_penalty(client, task)
      if penalty is None:
        return local_training.evaluate(client.model, data)
      return local_training.evaluate(lambda x: client.model(x) + penalty, data)

    return run()

  @tff.tensorflow.computation(message_type, client_state_type)
  def count_received(message: Any, client_state: Any) -> Any:
    client = build_client()

    @tf.function(autograph=False)
    def run() -> Any:
      client.start(message['content'], client_state)
      return _count_received(client, message)

    return run()

  @tff.tensorflow.computation(
      message_type, client_state_type, data_type, data_type
  )
  def train_and_count_correct(
      message: Any,
      client_state: Any,
      train_data: client_work.Data,
      test_data: client_work.Data,
  ) -> Any:
    client = build_client()

    @tf.function(autograph=False)
    def run() -> Any:
      client.start(message['content'], client_state)
      personalize_client(client, message, train_data, seed)
      return local_training.evaluate(client.personal_model, test_data)

    return run()

  return ClientComputations(
      update, count_correct, count_received, train_and_count_correct
  )
