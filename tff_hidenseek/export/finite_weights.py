"""Nothing but numbers reaches an exporter: converters crash on the rest."""

import numpy as np
import tensorflow as tf


def check(model: tf.keras.Model) -> None:
  """Checks that all weights of a model are finite.

  Args:
    model: A Keras model.

  Raises:
    ValueError: If a weight is infinite or NaN; the message names its layer.
  """
  for layer in model.layers:
    for weight in layer.weights:
      values = weight.numpy()
      if not weight.dtype.is_floating or np.isfinite(values).all():
        continue
      name = weight.name.partition(':')[0].rpartition('/')[2]
      raise ValueError(
          'A model to be exported must have finite weights, found '
          f'{values[~np.isfinite(values)][0]} in `{name}` of layer '
          f'{layer.name!r}: its training diverged.'
      )
