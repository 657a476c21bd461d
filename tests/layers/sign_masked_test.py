"""Tests for what SignMaskedDense and SignMaskedConv2D share."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tests.layers import tiny_model
from tff_hidenseek.layers import sign_masked_dense


class StateTest(tf.test.TestCase, parameterized.TestCase):

  def test_only_scores_train(self):
    model = tiny_model.build_model()
    self.assertEqual(
        [weight.name for weight in model.trainable_weights],
        ['conv1/scores:0', 'logits/scores:0'],
    )
    self.assertEqual(model.trainable_weights[0].shape, [5])

  def test_set_frozen_places_weights_with_the_signs_of_the_scores(self):
    layer = sign_masked_dense.SignMaskedDense(2, 3)
    layer.build([None, 2])
    layer.assign_scores([0.5, 0.0, -2.0])
    layer.set_frozen([0, 2, 3], [1.0, -2.0, 3.0])
    self.assertAllEqual(layer.kernel, [[1, 0], [-2, -3]])
    self.assertAllEqual(layer.mask, [[True, False], [True, True]])

  def test_set_frozen_forgets_the_weights_before(self):
    layer = sign_masked_dense.SignMaskedDense(2, 2)
    layer.build([None, 2])
    layer.set_frozen([0, 1], [1.0, 2.0], [1.0, -1.0])
    layer.set_frozen([2, 3], [4.0, 5.0])
    self.assertAllEqual(layer.kernel, [[0, 0], [4, -5]])

  def test_update_kernel_follows_every_change_of_sign(self):
    model = tiny_model.build_model()
    tiny_model.set_weights(model)
    rng = np.random.default_rng(1)
    for layer in [model.get_layer(name) for name in tiny_model.POSITIONS]:
      for _ in range(20):
        layer.scores.assign(rng.integers(-1, 2, layer.num_kept))
        layer.update_kernel()
        self.assertAllEqual(layer.kernel, tiny_model.expected_kernel(layer))

  def test_all_weights_may_be_kept(self):
    layer = sign_masked_dense.SignMaskedDense(2, 4)
    layer.build([None, 2])
    layer.set_frozen(range(4), [1.0, 2.0, 3.0, 4.0])
    self.assertAllEqual(layer.kernel, [[1, 2], [3, 4]])

  @parameterized.parameters(0, -1)
  def test_raises_on_too_few_kept_weights(self, num_kept):
    with self.assertRaisesRegex(
        ValueError, f'`num_kept` must be at least 1, found {num_kept}'
    ):
      sign_masked_dense.SignMaskedDense(2, num_kept)

  def test_raises_on_too_many_kept_weights(self):
    layer = sign_masked_dense.SignMaskedDense(2, 5, name='small')
    with self.assertRaisesRegex(
        ValueError, "`num_kept` must be at most 4, .* 'small', found 5"
    ):
      layer.build([None, 2])


class GradientTest(tf.test.TestCase):

  def test_equals_that_of_the_dense_formula(self):
    model = tiny_model.build_model(dtype='float64')
    tiny_model.set_weights(model)
    layers = [model.get_layer(name) for name in tiny_model.POSITIONS]
    rng = np.random.default_rng(2)
    for layer in layers:
      layer.assign_scores(rng.uniform(-2, 2, layer.num_kept))
    images, labels = tiny_model.draw_batch()

    with tf.GradientTape() as tape:
      loss = tiny_model.compute_loss(labels, model(images))
    gradients = tape.gradient(loss, model.trainable_variables)

    kernels = [tf.constant(layer.kernel) for layer in layers]
    with tf.GradientTape() as tape:
      tape.watch(kernels)
      x = tf.nn.relu(tf.nn.conv2d(images, kernels[0], 1, 'SAME'))
      logits = tf.reshape(x, [8, -1]) @ kernels[1]
      loss = tiny_model.compute_loss(labels, logits)
    dense_gradients = tape.gradient(loss, kernels)

    for layer, gradient, dense in zip(layers, gradients, dense_gradients):
      kept = dense.numpy().ravel()[layer.kept_positions.numpy()]
      expected = kept * layer.kept_weights.numpy()
      self.assertAllClose(gradient, expected, rtol=1e-12, atol=1e-14)
      self.assertNotAllClose(gradient, tf.zeros_like(gradient))

  def test_of_the_inputs_equals_the_dense_one(self):
    layer = sign_masked_dense.SignMaskedDense(2, 2)
    layer.build([None, 2])
    layer.set_frozen([0, 3], [2.0, 3.0], [1.0, -1.0])
    inputs = tf.constant([[1.0, 1.0]])
    with tf.GradientTape() as tape:
      tape.watch(inputs)
      outputs = layer(inputs)
    self.assertAllEqual(outputs, [[2, -3]])
    self.assertAllEqual(tape.gradient(outputs, inputs), [[2, -3]])


if __name__ == '__main__':
  tf.test.main()
