"""Steps of the client optimizers as functions, for many clients at once.

They take the steps of `client_optimizers`, whose fused kernels want variables.
Weights may have any shape: all is elementwise.
"""

from typing import Dict, Sequence, Tuple, Type

import tensorflow as tf

from tff_hidenseek.learning import client_optimizers

_Stepped = Tuple[tf.Tensor, Sequence[tf.Tensor]]


class OptimizerStep:
  """Plain gradient descent, and what the other optimizers share.

  Attributes:
    num_slots: Tensors of a weight's shape, at first zero, that are kept for it.
  """

  num_slots = 0

  def __init__(self, learning_rate: float, momentum: float):
    """Initializes the step; see `client_optimizers.build_client_optimizer`."""
    self._learning_rate = learning_rate
    self._momentum = momentum

  def apply(
      self,
      weight: tf.Tensor,
      slots: Sequence[tf.Tensor],
      gradient: tf.Tensor,
      num_steps: tf.Tensor,
  ) -> _Stepped:
    """Takes one step.

    Args:
      weight: The weight.
      slots: What was kept for it.
      gradient: Its gradient.
      num_steps: The number of this step, from 1, `float32[]`.

    Returns:
      The new weight and slots.
    """
    del num_steps
    return weight - self._learning_rate * gradient, slots


class _Momentum(OptimizerStep):
  """Gradient descent with momentum."""

  num_slots = 1

  def apply(
      self,
      weight: tf.Tensor,
      slots: Sequence[tf.Tensor],
      gradient: tf.Tensor,
      num_steps: tf.Tensor,
  ) -> _Stepped:
    (velocity,) = slots
    velocity = velocity * self._momentum - self._learning_rate * gradient
    return weight + velocity, [velocity]


class _Adam(OptimizerStep):
  """Adam (https://arxiv.org/abs/1412.6980)."""

  num_slots = 2

  def apply(
      self,
      weight: tf.Tensor,
      slots: Sequence[tf.Tensor],
      gradient: tf.Tensor,
      num_steps: tf.Tensor,
  ) -> _Stepped:
    beta_1, beta_2 = client_optimizers.BETA_1, client_optimizers.BETA_2
    mean, mean_square = slots
    rate = (
        self._learning_rate
        * tf.sqrt(1 - tf.pow(beta_2, num_steps))
        / (1 - tf.pow(beta_1, num_steps))
    )
    mean += (gradient - mean) * (1 - beta_1)
    mean_square += (tf.square(gradient) - mean_square) * (1 - beta_2)
    change = mean * rate / (tf.sqrt(mean_square) + client_optimizers.EPSILON)
    return weight - change, [mean, mean_square]


OPTIMIZER_STEPS: Dict[str, Type[OptimizerStep]] = {
    'sgd': OptimizerStep,
    'momentum': _Momentum,
    'adam': _Adam,
}
