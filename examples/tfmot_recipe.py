"""Trains a model of HideNseek further with TensorFlow Model Optimization.

`tensorflow_model_optimization` (tfmot) prunes a Keras model while it trains,
and holds each mask in a wrapper around its layer. This recipe gives it a model
that HideNseek has pruned already: tfmot sees what its own pruning might have
made, its tools work, and further training changes the kept weights and leaves
the pruned ones at zero.

make train
python examples/tfmot_recipe.py runs/digits/final_model.keras
"""

import sys

import numpy as np
import tensorflow as tf
import tensorflow_model_optimization as tfmot

import tff_hidenseek
from tff_hidenseek.data import digits
from tff_hidenseek.export import folding


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


def describe(name: str, model: tf.keras.Model, x, y) -> None:
  """Prints how accurate a model is, and how many weights are not zero."""
  accuracy = np.mean(np.argmax(model(x), axis=1) == y)
  kernels = [v.numpy() for v in model.weights if 'kernel' in v.name]
  num_kept = sum(np.count_nonzero(kernel) for kernel in kernels)
  num_weights = sum(kernel.size for kernel in kernels)
  print(
      f'{name}: accuracy {accuracy:.4f}, {num_kept:,} of {num_weights:,} '
      'weights are not zero'
  )


def main(path: str) -> None:
  """Trains the model of a run on the digits for one more epoch."""
  data = digits.load_digits(None, None)
  # Of plain Keras layers, with the signs in the kernels.
  folded = folding.fold_model(tff_hidenseek.load_keras_model(path))
  describe('before', folded, data.test_x, data.test_y)
  wrapped = wrap_with_masks(folded)
  wrapped.compile(
      tf.keras.optimizers.SGD(0.01),
      tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
  )
  wrapped.fit(
      data.train_x,
      data.train_y,
      verbose=0,
      callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
  )
  plain = tfmot.sparsity.keras.strip_pruning(wrapped)
  describe('after', plain, data.test_x, data.test_y)


if __name__ == '__main__':
  if len(sys.argv) != 2:
    sys.exit(__doc__)
  main(sys.argv[1])
