"""Optimizers of the client's local training.

TensorFlow's fused kernels, each of which updates a variable in place in one
pass: on a large dense layer that costs half of what assigning a new value does.
They are called without Keras, whose optimizers keep their constants in
variables: that costs a client with a tiny model a tenth of its round.
"""

from typing import Any, Dict, Iterable, List, Sequence, Tuple, Type

import tensorflow as tf

BETA_1 = 0.9
BETA_2 = 0.999
EPSILON = 1e-7


class _Optimizer:
  """Plain gradient descent, and what the other optimizers share."""

  def __init__(
      self,
      learning_rate: float,
      variables: Sequence[tf.Variable],
      momentum: float,
  ) -> None:
    self._learning_rate = learning_rate
    self._momentum = momentum
    self._slots: Dict[Any, List[tf.Variable]] = {}
    with tf.name_scope('optimizer'):
      for variable in variables:
        self._slots[variable.ref()] = [
            tf.Variable(tf.zeros(variable.shape, variable.dtype))
            for _ in range(self.num_slots)
        ]

  # Variables of a variable's shape that the optimizer keeps beside it.
  num_slots = 0

  def variables(self) -> List[tf.Variable]:
    """Returns all that it remembers."""
    return [slot for slots in self._slots.values() for slot in slots]

  def reset(self) -> None:
    """Makes it a new optimizer again."""
    for variable in self.variables():
      variable.assign(tf.zeros(variable.shape), read_value=False)

  def apply_gradients(
      self, gradients_and_variables: Iterable[Tuple[tf.Tensor, tf.Variable]]
  ) -> None:
    """Takes one step; pairs of a gradient and its variable."""
    for gradient, variable in gradients_and_variables:
      self._apply(gradient, variable, *self._slots[variable.ref()])

  def _apply(
      self, gradient: tf.Tensor, variable: tf.Variable, *slots: tf.Variable
  ) -> None:
    """Takes a step with one variable, given what is kept beside it."""
    del slots
    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=self._learning_rate, delta=gradient
    )


class _Momentum(_Optimizer):
  """Gradient descent with momentum."""

  num_slots = 1

  def _apply(
      self, gradient: tf.Tensor, variable: tf.Variable, *slots: tf.Variable
  ) -> None:
    (velocity,) = slots
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle,
        accum=velocity.handle,
        lr=self._learning_rate,
        grad=gradient,
        momentum=self._momentum,
    )


class _Adam(_Optimizer):
  """Adam (https://arxiv.org/abs/1412.6980)."""

  num_slots = 2

  def __init__(
      self,
      learning_rate: float,
      variables: Sequence[tf.Variable],
      momentum: float,
  ) -> None:
    super().__init__(learning_rate, variables, momentum)
    self._num_steps = tf.Variable(0.0)

  def variables(self) -> List[tf.Variable]:
    return [self._num_steps, *super().variables()]

  def apply_gradients(
      self, gradients_and_variables: Iterable[Tuple[tf.Tensor, tf.Variable]]
  ) -> None:
    self._num_steps.assign_add(1.0, read_value=False)
    super().apply_gradients(gradients_and_variables)

  def _apply(
      self, gradient: tf.Tensor, variable: tf.Variable, *slots: tf.Variable
  ) -> None:
    mean, mean_square = slots
    # TensorFlow computes these once for all variables.
    num_steps = self._num_steps.read_value()
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=mean.handle,
        v=mean_square.handle,
        beta1_power=tf.pow(BETA_1, num_steps),
        beta2_power=tf.pow(BETA_2, num_steps),
        lr=self._learning_rate,
        beta1=BETA_1,
        beta2=BETA_2,
        epsilon=EPSILON,
        grad=gradient,
    )


CLIENT_OPTIMIZERS: Dict[str, Type[_Optimizer]] = {
    'sgd': _Optimizer,
    'momentum': _Momentum,
    'adam': _Adam,
}


def build_client_optimizer(
    name: str,
    learning_rate: float,
    variables: Sequence[tf.Variable],
    momentum: float = 0.9,
) -> _Optimizer:
  """Builds an optimizer with all of its own variables.

  Args:
    name: A key of `CLIENT_OPTIMIZERS`.
    learning_rate: The step size, positive.
    variables: What it will train. A `tf.function` cannot create the
      optimizer's variables, so they are created here.
    momentum: What `momentum` keeps of its velocity in a step, in [0, 1).

  Returns:
    An object with Keras' method `apply_gradients`, which updates in place. A
    variable's Keras constraint is not applied.
  """
  return CLIENT_OPTIMIZERS[name](learning_rate, variables, momentum)
