"""The mask of a folded model, held by TensorFlow Model Optimization's wrappers.

For those who come from tfmot: its tools see a model that its own pruning might
have made, and training it further keeps the mask.
"""

import tensorflow as tf
import tensorflow_model_optimization as tfmot


class NeverPrune(tfmot.sparsity.keras.PruningSchedule):
  """A schedule that never fires: the mask stays what it is set to."""

  def __call__(self, step):
    return tf.constant(False), tf.constant(0.0)

  def get_config(self):
    return {'class_name': type(self).__name__, 'config': {}}


def wrap_with_masks(folded: tf.keras.Model) -> tf.keras.Model:
  """Wraps each layer with a kernel in tfmot's pruning wrapper.

  `tfmot.sparsity.keras.strip_pruning` gives the plain model back.

  Args:
    folded: A model as `folding.fold_model` builds it.

  Returns:
    A new model with the same outputs, whose wrappers' masks are the places
    where the kernels are not zero.
  """

  def wrap(layer):
    copy = layer.__class__.from_config(layer.get_config())
    if not hasattr(layer, 'kernel'):
      return copy
    return tfmot.sparsity.keras.prune_low_magnitude(copy, NeverPrune())

  wrapped = tf.keras.models.clone_model(folded, clone_function=wrap)
  for layer, source in zip(wrapped.layers, folded.layers):
    if not hasattr(source, 'kernel'):
      layer.set_weights(source.get_weights())
      continue
    layer.layer.set_weights(source.get_weights())
    for kernel, mask, _ in layer.pruning_vars:
      mask.assign(tf.cast(kernel != 0, mask.dtype))
  return wrapped
