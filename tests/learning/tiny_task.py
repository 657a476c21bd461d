"""A task small enough to be worked out by hand: 3x3 images of 3 classes."""

import numpy as np
import tensorflow as tf

from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import federated_algorithm

INPUT_SHAPE = (3, 3, 1)
NUM_CLASSES = 3


def build_linear(layer_set) -> tf.keras.Model:
  """Builds 27 weights: one layer, `logits`."""
  inputs, x = _flatten_inputs(layer_set)
  return tf.keras.Model(inputs, layer_set.dense(NUM_CLASSES, name='logits')(x))


def build_two_layers(layer_set) -> tf.keras.Model:
  """Builds 48 weights: `hidden` (9 to 4), ReLU, `logits` (4 to 3)."""
  inputs, x = _flatten_inputs(layer_set)
  x = layer_set.dense(4, name='hidden')(x)
  x = tf.keras.layers.ReLU(dtype=layer_set.dtype)(x)
  return tf.keras.Model(inputs, layer_set.dense(NUM_CLASSES, name='logits')(x))


def make_task(
    build_model=build_two_layers, seed: int = 0
) -> federated_algorithm.LearningTask:
  return federated_algorithm.LearningTask(
      build_model, INPUT_SHAPE, NUM_CLASSES, seed
  )


def make_client(size: int, client_id: int, classes=range(NUM_CLASSES)):
  """Makes one client's random examples of the given classes."""
  rng = np.random.default_rng(client_id)
  x = rng.random((size, *INPUT_SHAPE), np.float32)
  return client_data.make_client_data(x, rng.choice(classes, size), client_id)


def make_clients(*sizes: int):
  """Makes clients 0, 1, ... with these numbers of examples."""
  return [make_client(size, index) for index, size in enumerate(sizes)]


def _flatten_inputs(layer_set):
  dtype = layer_set.dtype
  inputs = tf.keras.Input(INPUT_SHAPE, dtype=dtype)
  return inputs, tf.keras.layers.Flatten(dtype=dtype)(inputs)
