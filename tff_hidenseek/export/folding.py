"""Folds the signs of a trained model into the kernels of plain Keras layers."""

import tensorflow as tf

from tff_hidenseek.layers import class_prior
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense


def fold_model(model: tf.keras.Model) -> tf.keras.Model:
  """Builds the same model of Keras' own layers.

  A sign-masked layer becomes a `Dense` or `Conv2D` whose kernel is zero where
  nothing is kept. Other layers are copied.

  Args:
    model: A functional or sequential Keras model.

  Returns:
    A new model that gives the same outputs, and that any Keras loads.
  """
  folded = tf.keras.models.clone_model(model, clone_function=_make_plain)
  for layer in model.layers:
    plain = folded.get_layer(layer.name)
    if isinstance(layer, class_prior.ClassPrior):
      continue  # Its weights are in the plain layer's config.
    if isinstance(layer, sign_masked.SignMaskedLayer):
      plain.set_weights([layer.kernel.numpy()])
    else:
      plain.set_weights(layer.get_weights())
  return folded


def _make_plain(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
  if isinstance(layer, sign_masked_dense.SignMaskedDense):
    return tf.keras.layers.Dense(
        layer.units,
        use_bias=False,
        name=layer.name,
        dtype=layer.dtype,
    )
  if isinstance(layer, sign_masked_conv2d.SignMaskedConv2D):
    return tf.keras.layers.Conv2D(
        layer.filters,
        layer.kernel_size,
        layer.strides,
        layer.padding,
        use_bias=False,
        name=layer.name,
        dtype=layer.dtype,
    )
  if isinstance(layer, class_prior.ClassPrior):
    return tf.keras.layers.Rescaling(
        1.0,
        layer.log_prior.numpy().tolist(),
        name=layer.name,
        dtype=layer.dtype,
    )
  return layer.__class__.from_config(layer.get_config())
