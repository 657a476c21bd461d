"""FedBAT (https://arxiv.org/abs/2408.03215): binarisation that is trained.

In the first part of its steps a client trains plain updates. From then on the
model sees each as plus or minus its layer's step, drawn so that it is the
update on average, and the steps train too. It uploads one bit a weight and a
number a layer.
"""

import collections

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.algorithms import drawn_updates
from tff_hidenseek.algorithms import flat_weights
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import options as options_lib

# Bounds of a layer's step, those of the authors' program.
_LEAST_STEP = 5e-4
_LARGEST_STEP = 5e-2


@attrs.frozen(kw_only=True)
class FedBATOptions(options_lib.LocalTrainingOptions):
  """Choices of the method."""

  warm_up: float = options_lib.option(
      0.5,
      'Part of a client\'s steps before its updates are binarised.',
      minimum=0,
      maximum=0.99,
  )
  step_rate: float = options_lib.option(
      6.0,
      'How fast the steps of binarised updates train; at 0 they stay the mean '
      'size of the updates after the warm-up.',
      minimum=0,
  )


def binarize(update, step, uniform) -> tf.Tensor:
  """Returns plus or minus the step, on average the update clipped to them.

  Args:
    update: `float32`.
    step: Positive, `float32[]`.
    uniform: Draws in [0, 1) of the update's shape.
  """
  is_up = uniform < (update / step + 1) / 2
  return step * (2 * tf.cast(is_up, tf.float32) - 1)


def step_gradient(update, step, signs, gradient) -> tf.Tensor:
  """Returns the gradient of a step, `float32[]`, straight through the draw.

  Args:
    update: `float32`.
    step: Positive, `float32[]`.
    signs: What was drawn of the update, -1 and +1.
    gradient: That of the binarised update.
  """
  ratio = update / step
  inside = signs - ratio
  return tf.reduce_sum(
      gradient * tf.where(tf.abs(ratio) > 1, tf.sign(ratio), inside)
  )


class BinarizedClientWork(drawn_updates.DrawnUpdateClientWork):
  """Trains updates, and the step of each layer as `first * exp(rate * x)`."""

  def __init__(self, model: tf.keras.Model, options: FedBATOptions):
    layers = model.trainable_variables
    self._exponents = [tf.Variable(0.0) for _ in layers]
    self._first_steps = [tf.Variable(0.0) for _ in layers]
    super().__init__(model, options, self._exponents)

  def _is_binary(self, step):
    warm_up = self._options.warm_up * tf.cast(self.total_steps, tf.float32)
    return tf.cast(step, tf.float32) > warm_up

  def _free_steps(self):
    return [
        first * tf.exp(self._options.step_rate * exponent)
        for first, exponent in zip(self._first_steps, self._exponents)
    ]

  def _steps(self):
    return [
        tf.clip_by_value(step, _LEAST_STEP, _LARGEST_STEP)
        for step in self._free_steps()
    ]

  def _draw_binary(self, seed):
    return [
        binarize(u, step, drawn_updates.draw_uniform(u.shape, seed, i))
        for i, (u, step) in enumerate(zip(self.updates, self._steps()))
    ]

  def draw(self, seed, step):
    is_binary = self._is_binary(step)
    begins = tf.logical_and(is_binary, ~self._is_binary(step - 1))
    for first, update in zip(self._first_steps, self.updates):
      size = tf.reduce_mean(tf.abs(update))
      first.assign(tf.where(begins, size, first))
    return tf.cond(
        is_binary,
        lambda: self._draw_binary(seed),
        lambda: [u.read_value() for u in self.updates],
    )

  def route_gradients(self, gradients):
    is_binary = self._is_binary(self.next_step())
    of_updates, of_exponents = [], []
    for gradient, variable, weights, update, step, free_step in zip(
        gradients,
        self.model.trainable_variables,
        self.received,
        self.updates,
        self._steps(),
        self._free_steps(),
    ):
      passes = ~is_binary | (tf.abs(update) <= step)
      of_updates.append(gradient * tf.cast(passes, tf.float32))
      signs = tf.sign(variable - weights)  # What the model saw.
      trains = is_binary & tf.equal(step, free_step)  # Not at a bound.
      of_exponents.append(
          self._options.step_rate
          * step
          * step_gradient(update, step, signs, gradient)
          * tf.cast(trains, tf.float32)
      )
    return [*of_updates, *of_exponents]

  def expect(self):
    return [
        tf.clip_by_value(u, -step, step)
        for u, step in zip(self.updates, self._steps())
    ]

  def make_upload(self, seed):
    bits = flat_weights.flatten(self._draw_binary(seed)) > 0
    return collections.OrderedDict(
        bits=sign_ops.pack_bits(bits), steps=tf.stack(self._steps())
    )


def build_fed_bat(
    task: federated_algorithm.LearningTask, options: FedBATOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedBAT from a seeded He-normal model.

  Args:
    task: What is learned.
    options: The local training and the binarisation.

  Returns:
    The algorithm.
  """
  network = dense_network.build_dense_network(task)
  sizes = np.array([w.size for w in network.weights])

  def decode(upload):
    signs = sign_votes.read_votes(upload['bits'], network.size)
    return signs * tf.repeat(upload['steps'], sizes)

  return dense_network.build_algorithm_of_updates(
      task,
      network,
      lambda model: BinarizedClientWork(model, options),
      decode,
  )
