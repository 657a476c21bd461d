"""Trains updates that are seen as they will travel: FedMRN and FedBAT.

The weights that the server sent stay as they are. A client trains an update of
each, and before every step the model is given the weights plus a random draw of
what one bit would say of the update.
"""

import abc
from typing import List, Sequence

import tensorflow as tf

from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import random_seeds


class DrawnUpdateClientWork(client_work.GradientClientWork):
  """Trains `updates`, a variable for every weight tensor of a dense model.

  Attributes:
    updates: The updates.
    received: The weights that the server sent.
  """

  def __init__(
      self,
      model: tf.keras.Model,
      options: options_lib.LocalTrainingOptions,
      others: Sequence[tf.Variable] = (),
  ):
    """Initializes the work.

    Args:
      model: The dense model.
      options: A `LocalTrainingOptions`.
      others: What trains beside the updates.
    """
    self.updates = [
        tf.Variable(tf.zeros(v.shape)) for v in model.trainable_variables
    ]
    self._others = list(others)
    self._num_steps = tf.Variable(0)
    super().__init__(model, options, [*self.updates, *self._others])

  @abc.abstractmethod
  def draw(self, seed: tf.Tensor, step: tf.Tensor) -> List[tf.Tensor]:
    """Returns the updates as the model sees them in a step.

    Args:
      seed: Seed of the step's draws, `int64[2]`.
      step: The number of the step, from 1, `int32[]`.
    """

  @abc.abstractmethod
  def expect(self) -> List[tf.Tensor]:
    """Returns what the server will read in the upload on average."""

  def start(self, message, client_state):
    del client_state
    self.received = message
    for variable in [*self.updates, *self._others]:
      variable.assign(tf.zeros(variable.shape))
    self._assign_weights(self.updates)

  def train(self, data, seed):
    batch_size = self._options.batch_size
    num_batches = (tf.size(data['y']) + batch_size - 1) // batch_size
    self.total_steps = num_batches * self._options.num_epochs
    # Negative, because the shuffles fold in the numbers of the epochs.
    self._step_seed = random_seeds.fold_in(
        seed, -int(random_seeds.Purpose.MASK)
    )
    self._num_steps.assign(0)
    self._assign_weights_of_step()
    return super().train(data, seed)

  def personalize(self, data, seed):
    loss = self.train(data, seed)
    self._assign_weights(self.expect())
    return loss

  def after_step(self):
    self._num_steps.assign_add(1)
    self._assign_weights_of_step()

  def next_step(self) -> tf.Tensor:
    """Returns the number of the step that comes, from 1, `int32[]`."""
    return self._num_steps.read_value() + 1

  def _assign_weights_of_step(self):
    step = self.next_step()
    self._assign_weights(
        self.draw(random_seeds.fold_in(self._step_seed, step), step)
    )

  def _assign_weights(self, updates):
    for variable, weights, update in zip(
        self.model.trainable_variables, self.received, updates
    ):
      variable.assign(weights + update)


def draw_uniform(shape: Sequence[int], seed: tf.Tensor, place: int):
  """Draws `float32` in [0, 1), another stream for every place."""
  return tf.random.stateless_uniform(
      shape, random_seeds.fold_in(seed, place), alg=random_seeds.ALGORITHM
  )
