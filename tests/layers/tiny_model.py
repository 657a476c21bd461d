"""A model of both sign-masked layers, for tests."""

import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense

POSITIONS = {'conv1': [0, 3, 4, 8, 17], 'logits': [1, 2, 30, 31, 70, 95]}


def build_model(dtype='float32', **kwargs):
  """Builds a model of both layers, from 4x4 images to 3 logits."""
  kwargs['dtype'] = dtype
  inputs = tf.keras.Input([4, 4, 1], dtype=dtype)
  x = sign_masked_conv2d.SignMaskedConv2D(
      2, 3, len(POSITIONS['conv1']), padding='same', name='conv1', **kwargs
  )(inputs)
  x = tf.keras.layers.ReLU(name='relu', dtype=dtype)(x)
  x = tf.keras.layers.Flatten(name='flatten', dtype=dtype)(x)
  logits = sign_masked_dense.SignMaskedDense(
      3, len(POSITIONS['logits']), name='logits', **kwargs
  )(x)
  return tf.keras.Model(inputs, logits)


def draw_weights():
  """Draws kept weights and scores for each layer."""
  rng = np.random.default_rng(0)
  return {
      name: (
          np.array(positions, np.int32),
          rng.normal(size=len(positions)).astype(np.float32),
          rng.uniform(-0.1, 0.1, len(positions)).astype(np.float32),
      )
      for name, positions in POSITIONS.items()
  }


def set_weights(model):
  """Gives every layer its kept weights and scores."""
  for name, weights in draw_weights().items():
    model.get_layer(name).set_frozen(*weights)


def draw_batch():
  """Draws eight images and their labels."""
  rng = np.random.default_rng(0)
  images = rng.normal(size=[8, 4, 4, 1]).astype(np.float32)
  return images, rng.integers(0, 3, 8).astype(np.int32)


def compute_loss(labels, logits):
  """Computes the mean cross-entropy."""
  return tf.reduce_mean(
      tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
  )


def expected_kernel(layer):
  """Computes a layer's kernel by the dense formula."""
  signs = np.where(layer.scores.numpy() >= 0, 1, -1)
  flat = np.zeros(layer.flat_kernel.shape, np.float32)
  flat[layer.kept_positions.numpy()] = layer.kept_weights.numpy() * signs
  return flat.reshape(layer.kernel.shape)
