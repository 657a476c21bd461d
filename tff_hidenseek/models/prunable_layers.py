"""Which layers of a model have a kernel that can be pruned."""

from typing import List

import tensorflow as tf


def prunable_layers(model: tf.keras.Model) -> List[tf.keras.layers.Layer]:
  """Returns the layers with a kernel, in the order of the model."""
  return [layer for layer in model.layers if hasattr(layer, 'kernel')]
