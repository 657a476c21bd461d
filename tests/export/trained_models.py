"""Small trained models of sign-masked layers, for the tests of exports."""

import functools

import numpy as np
import tensorflow as tf

from tff_hidenseek.data import datasets
from tff_hidenseek.layers import class_prior
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.learning import losses
from tff_hidenseek.models import layer_sets
from tff_hidenseek.models import seeded_network
from tff_hidenseek.ticket import description


def make_options(**changes) -> seeded_network.NetworkOptions:
  options = dict(
      seed=3,
      density=0.2,
      pruning='synflow',
      pruning_iterations=10,
      kernel_distribution='ternary',
      kernel_gain=1.0,
  )
  return seeded_network.NetworkOptions(**{**options, **changes})


def make_architecture(name, input_shape=(8, 8, 1), num_classes=10):
  return description.Architecture(name, input_shape, num_classes)


def build_untrained(architecture, options) -> tf.keras.Model:
  """Returns the net of the seed with its initial scores."""
  kernels = seeded_network.draw_kernels(architecture.kernel_shapes(), options)
  masks = seeded_network.draw_masks(architecture.build, kernels, options)
  weights = seeded_network.draw_kept_weights(kernels, masks, options)
  num_kept = {name: int(mask.sum()) for name, mask in masks.items()}
  scores = seeded_network.draw_initial_scores(num_kept, options.seed)
  model = architecture.build(layer_sets.SignMaskedLayers(num_kept))
  for layer in model.layers:
    if isinstance(layer, sign_masked.SignMaskedLayer):
      layer.set_frozen(
          np.flatnonzero(masks[layer.name]).astype(np.int32),
          weights[layer.name],
          scores[layer.name],
      )
  return model


@functools.lru_cache()
def load_digits():
  return datasets.load_dataset('digits')


@functools.lru_cache()
def train_on_digits(name, num_epochs=4, **changes) -> tf.keras.Model:
  """Returns a model of `models.architectures`, trained for a moment."""
  tf.keras.utils.set_random_seed(0)
  digits = load_digits()
  model = build_untrained(make_architecture(name), make_options(**changes))
  model.compile(
      tf.keras.optimizers.legacy.Adam(0.1),
      tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
      metrics=['accuracy'],
  )
  model.fit(
      digits.train_x,
      digits.train_y,
      batch_size=32,
      epochs=num_epochs,
      verbose=0,
  )
  return model


def make_personal(model: tf.keras.Model) -> tf.keras.Model:
  """Returns the model of a client that has only the classes 3 and 7."""
  layer = class_prior.ClassPrior(name='class_prior')
  personal = tf.keras.Model(model.inputs, layer(model.outputs[0]))
  labels = tf.constant([3, 3, 7])
  layer.log_prior.assign(losses.log_class_prior(labels, 10))
  return personal
