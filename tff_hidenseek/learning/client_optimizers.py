"""Optimizers of the client's local training.

These are Keras' fused ones: each updates a variable in place in one pass, which
on a large dense layer costs half of what assigning a new value does.
"""

import tensorflow as tf


def _build_sgd(learning_rate: float) -> tf.keras.optimizers.Optimizer:
  return tf.keras.optimizers.legacy.SGD(learning_rate)


def _build_momentum(learning_rate: float) -> tf.keras.optimizers.Optimizer:
  return tf.keras.optimizers.legacy.SGD(learning_rate, momentum=0.9)


def _build_adam(learning_rate: float) -> tf.keras.optimizers.Optimizer:
  return tf.keras.optimizers.legacy.Adam(learning_rate)


CLIENT_OPTIMIZERS = {
    'sgd': _build_sgd,
    'momentum': _build_momentum,
    'adam': _build_adam,
}


def build_client_optimizer(name: str, learning_rate: float, variables):
  """Builds an optimizer whose own variables already exist.

  Args:
    name: A key of `CLIENT_OPTIMIZERS`.
    learning_rate: The step size, positive.
    variables: What it will train. A `tf.function` cannot create the
      optimizer's variables, so they are created here.

  Returns:
    A Keras optimizer with an `apply_gradients` that updates in place.
  """
  optimizer = CLIENT_OPTIMIZERS[name](learning_rate)
  with tf.name_scope('optimizer'):
    optimizer._create_all_weights(variables)  # pylint: disable=protected-access
  return optimizer
