"""Tests of sign-masked layers under Keras, TFF and tfmot."""

import os

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff
import tensorflow_model_optimization as tfmot

from tests.layers import tiny_model
from tff_hidenseek.layers import sign_masked_conv2d
from tff_hidenseek.layers import sign_masked_dense
from tff_hidenseek.runtimes import in_process


def setUpModule():
  tff.framework.set_default_context(in_process.create_in_process_context())


def _train(model, optimizer, num_steps=20):
  model.compile(
      optimizer,
      tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
  )
  images, labels = tiny_model.draw_batch()
  return model.fit(
      images, labels, batch_size=8, epochs=num_steps, verbose=0
  ).history['loss']


class KerasTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(
      lambda: tf.keras.optimizers.SGD(1.0),
      lambda: tf.keras.optimizers.Adam(0.05),
      lambda: tf.keras.optimizers.legacy.SGD(1.0),
  )
  def test_fit_flips_signs_and_leaves_frozen_weights(self, build_optimizer):
    model = tiny_model.build_model()
    tiny_model.set_weights(model)
    losses = _train(model, build_optimizer())
    self.assertLess(losses[-1], losses[0])
    num_flips = 0
    for name, (positions, weights, scores) in tiny_model.draw_weights().items():
      layer = model.get_layer(name)
      self.assertAllEqual(layer.kept_positions, positions)
      self.assertAllEqual(layer.kept_weights, weights)
      self.assertAllEqual(layer.kernel, tiny_model.expected_kernel(layer))
      num_flips += np.sum((layer.scores.numpy() >= 0) != (scores >= 0))
    self.assertGreater(num_flips, 0)

  @parameterized.parameters('model.keras', 'model.h5', 'saved_model')
  def test_a_saved_model_predicts_the_same_and_trains_on(self, file_name):
    model = tiny_model.build_model()
    tiny_model.set_weights(model)
    _train(model, tf.keras.optimizers.SGD(1.0), num_steps=2)
    path = os.path.join(self.get_temp_dir(), file_name)
    model.save(path)
    loaded = tf.keras.models.load_model(path)
    images, _ = tiny_model.draw_batch()
    self.assertAllEqual(loaded(images), model(images))
    losses = _train(loaded, tf.keras.optimizers.SGD(1.0))
    self.assertLess(losses[-1], losses[0])
    for name in tiny_model.POSITIONS:
      layer = loaded.get_layer(name)
      self.assertAllEqual(layer.kernel, tiny_model.expected_kernel(layer))

  def test_config_round_trip_keeps_every_argument(self):
    layer = sign_masked_conv2d.SignMaskedConv2D(
        4,
        (3, 2),
        7,
        strides=(2, 1),
        padding='same',
        name='conv9',
    )
    config = layer.get_config()
    self.assertEqual(
        sign_masked_conv2d.SignMaskedConv2D.from_config(config).get_config(),
        config,
    )
    self.assertContainsSubset(
        {
            'filters': 4,
            'kernel_size': (3, 2),
            'num_kept': 7,
            'strides': (2, 1),
            'padding': 'same',
            'name': 'conv9',
        }.items(),
        config.items(),
    )

  @parameterized.parameters(False, True)
  def test_config_of_an_older_version_makes_the_same_layer(self, clipped):
    layer = sign_masked_dense.SignMaskedDense(3, 7, name='logits')
    config = layer.get_config()
    self.assertNoCommonElements(config, ['use_bias', 'clipped_gradient'])
    old = {**config, 'use_bias': False, 'clipped_gradient': clipped}
    made = sign_masked_dense.SignMaskedDense.from_config(old)
    self.assertEqual(made.get_config(), config)

  def test_raises_on_a_bias(self):
    config = sign_masked_dense.SignMaskedDense(3, 7, name='logits').get_config()
    with self.assertRaisesRegex(
        ValueError, "`use_bias` must be False in layer 'logits', found True"
    ):
      sign_masked_dense.SignMaskedDense.from_config(
          {**config, 'use_bias': True}
      )

  def test_a_cloned_model_has_weights_of_its_own(self):
    model = tiny_model.build_model()
    tiny_model.set_weights(model)
    clone = tf.keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    images, _ = tiny_model.draw_batch()
    self.assertAllEqual(clone(images), model(images))
    model.get_layer('logits').set_frozen(range(6), [1.0] * 6)
    self.assertNotAllEqual(clone(images), model(images))


class FederatedTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.named_parameters(
      ('sgd', tff.learning.optimizers.build_sgdm(1.0)),
      ('adam', tff.learning.optimizers.build_adam(0.05)),
  )
  def test_a_loop_in_tff_equals_eager_steps(self, optimizer):
    num_steps = 20
    images, labels = tiny_model.draw_batch()

    def run_step(model, state):
      with tf.GradientTape() as tape:
        loss = tiny_model.compute_loss(labels, model(images))
      scores = model.trainable_variables
      gradients = tape.gradient(loss, scores)
      values = [score.read_value() for score in scores]
      state, values = optimizer.next(state, values, gradients)
      tf.nest.map_structure(lambda score, v: score.assign(v), scores, values)
      for name in tiny_model.POSITIONS:
        model.get_layer(name).update_kernel()
      return state

    def start(model):
      tiny_model.set_weights(model)
      specs = [tf.TensorSpec(s.shape, s.dtype) for s in model.trainable_weights]
      return optimizer.initialize(specs)

    @tff.tensorflow.computation
    def train():
      model = tiny_model.build_model()

      @tf.function
      def run_steps():
        state = start(model)
        tf.while_loop(
            lambda step, _: step < num_steps,
            lambda step, state: (step + 1, run_step(model, state)),
            [0, state],
        )
        return [model.get_layer(name).kernel for name in tiny_model.POSITIONS]

      return run_steps()

    model = tiny_model.build_model()
    state = start(model)
    before = [model.get_layer(name).kernel for name in tiny_model.POSITIONS]
    for _ in range(num_steps):
      state = run_step(model, state)
    after = [model.get_layer(name).kernel for name in tiny_model.POSITIONS]
    for kernel, expected in zip(train(), after):
      self.assertAllEqual(kernel, expected)
    self.assertNotAllEqual(before[0], after[0])


class NeverPrune(tfmot.sparsity.keras.PruningSchedule):
  """Leaves masks as they are."""

  def __call__(self, step):
    return tf.constant(False), tf.constant(0.0)

  def get_config(self):
    return {'class_name': 'NeverPrune', 'config': {}}


class TfmotTest(tf.test.TestCase):

  def test_wraps_and_strips_sign_masked_layers(self):
    model = tiny_model.build_model()
    tiny_model.set_weights(model)
    images, _ = tiny_model.draw_batch()
    before = model(images)
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(
        model, pruning_schedule=NeverPrune()
    )
    for name in tiny_model.POSITIONS:
      wrapper = wrapped.get_layer(f'prune_low_magnitude_{name}')
      [(_, mask, _)] = wrapper.pruning_vars
      mask.assign(tf.cast(tf.reshape(wrapper.layer.mask, [-1]), mask.dtype))
    wrapped.compile('sgd', 'mse')
    callback = tfmot.sparsity.keras.UpdatePruningStep()
    callback.set_model(wrapped)
    callback.on_train_begin()
    callback.on_train_batch_begin(batch=0)
    wrapped(images, training=True)  # Applies the masks.
    stripped = tfmot.sparsity.keras.strip_pruning(wrapped)
    self.assertAllEqual(stripped(images), before)
    self.assertIsInstance(
        stripped.get_layer('logits'), sign_masked_dense.SignMaskedDense
    )

  def test_a_schedule_that_never_fires_holds_a_mask_in_training(self):
    layer = sign_masked_dense.SignMaskedDense(3, 6)
    layer.build([None, 32])
    layer.set_frozen(*tiny_model.draw_weights()['logits'])
    plain = tf.keras.Sequential(
        [tf.keras.layers.Dense(3, use_bias=False, name='logits')]
    )
    plain.build([None, 32])
    plain.layers[0].kernel.assign(layer.kernel)
    wrapped = tfmot.sparsity.keras.prune_low_magnitude(
        plain, pruning_schedule=NeverPrune()
    )
    [(kernel, mask, _)] = wrapped.layers[0].pruning_vars
    mask.assign(tf.cast(layer.mask, mask.dtype))
    wrapped.compile('sgd', 'mse')
    wrapped.fit(
        tf.random.stateless_normal([8, 32], [0, 0]),
        tf.ones([8, 3]),
        verbose=0,
        callbacks=[tfmot.sparsity.keras.UpdatePruningStep()],
    )
    inputs = tf.random.stateless_normal([8, 32], [0, 1])
    outputs = wrapped(inputs, training=True)
    self.assertAllEqual(kernel != 0, layer.mask)
    self.assertNotAllEqual(kernel, layer.kernel)
    stripped = tfmot.sparsity.keras.strip_pruning(wrapped)
    self.assertAllEqual(stripped(inputs), outputs)


if __name__ == '__main__':
  tf.test.main()
