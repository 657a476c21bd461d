"""Trains a mask over frozen weights: what FedPM and FedMask share.

The model is an ordinary dense one whose kernels are set to `weight * mask`
before each step; the gradient of a kernel becomes that of the mask's scores by
the chain rule.
"""

from typing import List

import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.models import layer_sets
from tff_hidenseek.pruning import random_kernels


def draw_signed_constants(
    task: federated_algorithm.LearningTask, gain: float
) -> List[np.ndarray]:
  """Draws kernels of one magnitude a layer and random signs.

  Args:
    task: What is learned; its seed draws the signs.
    gain: The magnitude in units of He initialisation's standard deviation.

  Returns:
    The kernels in the order of the model, `float32`.
  """
  model = task.build_model(layer_sets.DenseLayers(use_bias=False))
  shapes = {
      layer.name: tuple(layer.kernel.shape)
      for layer in layer_sets.prunable_layers(model)
  }
  kernels = random_kernels.draw_kernels(shapes, task.seed, 'ternary')
  everything = {name: np.ones(shape, bool) for name, shape in shapes.items()}
  weights = random_kernels.frozen_weights(kernels, everything, 'ternary', gain)
  return [weights[name].reshape(shape) for name, shape in shapes.items()]


class MaskedWeightsClientWork(client_work.GradientClientWork):
  """Trains `scores`, a variable for every kernel; the kernels are masked."""

  def __init__(self, task, options, weights):
    """Initializes the work.

    Args:
      task: What is learned.
      options: A `LocalTrainingOptions`.
      weights: The frozen kernels.
    """
    model = task.build_model(layer_sets.DenseLayers(use_bias=False))
    self._weights = weights
    self.scores = [tf.Variable(tf.zeros(w.shape)) for w in weights]
    super().__init__(model, options, self.scores)

  def assign_kernels(self, weights, masks) -> None:
    """Sets the kernels to masked weights.

    Args:
      weights: The weights, `float32`.
      masks: For each kernel, a bool tensor of what is kept of it.
    """
    for kernel, weight, mask in zip(
        self.model.trainable_variables, weights, masks
    ):
      # Several times faster than tf.where.
      kernel.assign(weight * tf.cast(mask, tf.float32), read_value=False)
