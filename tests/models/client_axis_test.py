"""Models of many clients at once against each client's own model."""

import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import client_axis
from tff_hidenseek.models import layer_sets

_NUM_CLIENTS = 2
_BATCH_SIZE = 3


def _build_strided(input_shape, num_classes, layer_set):
  """Builds strides on sides that they do not divide, with both paddings."""
  inputs = tf.keras.Input(input_shape)
  x = layer_set.conv2d(32, 3, 2, name='conv1')(inputs)
  x = layer_set.normalization(name='norm')(x)
  x = layer_set.conv2d(4, 1, 2, name='conv2')(x)
  x = layer_set.conv2d(4, 2, 2, 'valid', name='conv3')(x)
  x = tf.keras.layers.Flatten()(x)
  return tf.keras.Model(inputs, layer_set.dense(num_classes, name='logits')(x))


class ClientAxisTest(parameterized.TestCase, tf.test.TestCase):

  def _assert_alike(self, build_model, use_bias):
    dense = build_model(layer_sets.DenseLayers(use_bias))
    at_once = build_model(client_axis.ClientAxisLayers(use_bias))
    rng = np.random.default_rng(0)
    shapes = [tuple(v.shape) for v in dense.trainable_variables]
    weights = [
        0.1 * rng.standard_normal((_NUM_CLIENTS, *s), np.float32)
        for s in shapes
    ]
    images = rng.random(
        (_NUM_CLIENTS, _BATCH_SIZE, *dense.input_shape[1:]), np.float32
    )
    given = [tf.constant(w) for w in weights]
    with tf.GradientTape() as tape:
      tape.watch(given)
      logits = client_axis.apply(
          at_once, given, images.reshape(-1, *images.shape[2:])
      )
    found = tape.gradient(logits, given, tf.cos(logits))
    logits = np.reshape(logits, (_NUM_CLIENTS, _BATCH_SIZE, -1))
    for client in range(_NUM_CLIENTS):
      dense.set_weights([w[client] for w in weights])
      with tf.GradientTape() as tape:
        expected = dense(images[client])
      self.assertAllClose(logits[client], expected, rtol=1e-4, atol=1e-5)
      gradients = tape.gradient(
          expected, dense.trainable_variables, tf.cos(expected)
      )
      for one, of_all in zip(gradients, found):
        scale = max(1, np.abs(one).max())
        self.assertAllClose(of_all[client] / scale, one / scale, atol=1e-4)

  # The deep ones have no layer of their own kind.
  @parameterized.parameters(
      'linear', 'mlp', 'cnn', 'pooled_cnn', 'small_cnn', 'pooled_conv5', 'lenet'
  )
  def test_every_client_has_its_own_logits_and_gradients(self, name):
    side = 16 if name == 'small_cnn' else 8
    build = functools.partial(architectures.MODELS[name], (side, side, 1), 3)
    self._assert_alike(build, use_bias=True)

  @parameterized.parameters(True, False)
  def test_strides_and_paddings_are_those_of_keras(self, use_bias):
    self._assert_alike(
        functools.partial(_build_strided, (9, 10, 3), 3), use_bias
    )


if __name__ == '__main__':
  tf.test.main()
