"""Tests for the builders of models, dense and sign-masked alike."""

from absl.testing import parameterized
import numpy as np
import tensorflow as tf

from tff_hidenseek.models import architectures
from tff_hidenseek.models import layer_sets

# The builder, an input shape, and how many weights its kernels have then.
_MODELS = {
    'linear': (architectures.build_linear, [8, 8, 1], 640),
    'mlp': (architectures.build_mlp, [8, 8, 1], 50_200),
    'cnn': (architectures.build_cnn, [8, 8, 1], 52_768),
    'cnn_w1': (architectures.build_cnn, [32, 32, 3], 1_626_208),
    'pooled_cnn': (architectures.build_pooled_cnn, [28, 28, 1], 421_408),
    'pooled_cnn_digits': (architectures.build_pooled_cnn, [8, 8, 1], 52_768),
    'small_cnn': (architectures.build_small_cnn, [28, 28, 1], 21_750),
    'pooled_conv5': (architectures.build_pooled_conv5, [32, 32, 3], 1_572_704),
    'pooled_conv5_digits': (
        architectures.build_pooled_conv5, [8, 8, 1], 1_572_128,
    ),
    'lenet': (architectures.build_lenet, [8, 8, 1], 21_150),
    'conv2': (architectures.build_conv2, [8, 8, 1], 367_680),
    'conv4': (architectures.build_conv4, [32, 32, 3], 2_425_024),
    'conv6': (architectures.build_conv6, [32, 32, 3], 2_261_184),
    'vgg16': (architectures.build_vgg16, [32, 32, 3], 14_715_584),
    'resnet18': (architectures.build_resnet18, [32, 32, 3], 11_164_352),
}


def _kernel_shapes(model):
  return {
      layer.name: tuple(layer.kernel.shape)
      for layer in layer_sets.prunable_layers(model)
  }


class ModelsTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.named_parameters((name, *_MODELS[name]) for name in _MODELS)
  def test_all_layer_sets_build_the_same_kernels(
      self, build_model, input_shape, num_weights
  ):
    dense = build_model(input_shape, 10, layer_sets.DenseLayers())
    saliency = build_model(input_shape, 10, layer_sets.SaliencyLayers())
    shapes = _kernel_shapes(dense)
    num_kept = {name: 2 for name in shapes}
    masked = build_model(
        input_shape, 10, layer_sets.SignMaskedLayers(num_kept)
    )
    self.assertEqual(sum(map(np.prod, shapes.values())), num_weights)
    for model in (saliency, masked):
      self.assertEqual(list(_kernel_shapes(model)), list(shapes))
      self.assertEqual(_kernel_shapes(model), shapes)
    self.assertLen(masked.trainable_weights, len(shapes))
    self.assertEqual(saliency.count_params(), num_weights)

  @parameterized.named_parameters((name, *_MODELS[name]) for name in _MODELS)
  def test_gives_finite_logits(self, build_model, input_shape, num_weights):
    del num_weights
    model = build_model(
        input_shape, 7, layer_sets.DenseLayers(initializer_seed=0)
    )
    logits = model(tf.random.stateless_normal([2, *input_shape], [0, 0]))
    self.assertEqual(logits.shape, [2, 7])
    self.assertBetween(float(tf.math.reduce_std(logits)), 0.1, 10)

  @parameterized.named_parameters(
      ('cnn', architectures.build_cnn, [8, 8, 1]),
      ('resnet18', architectures.build_resnet18, [8, 8, 3]),
  )
  def test_sign_masked_equals_dense_with_its_kernels(
      self, build_model, input_shape
  ):
    dense = build_model(
        input_shape, 10, layer_sets.DenseLayers(use_bias=False)
    )
    rng = np.random.default_rng(0)
    num_kept = {
        name: int(0.5 * np.prod(shape))
        for name, shape in _kernel_shapes(dense).items()
    }
    masked = build_model(
        input_shape, 10, layer_sets.SignMaskedLayers(num_kept)
    )
    for layer in layer_sets.prunable_layers(masked):
      size = layer.flat_kernel.shape[0]
      layer.set_frozen(
          np.sort(rng.choice(size, layer.num_kept, replace=False)),
          0.1 * rng.normal(size=layer.num_kept),
          rng.normal(size=layer.num_kept),
      )
      dense.get_layer(layer.name).kernel.assign(layer.kernel)
    images = rng.normal(size=[2, *input_shape]).astype(np.float32)
    self.assertAllClose(masked(images), dense(images), rtol=1e-5, atol=1e-5)
    self.assertNotAllClose(masked(images), tf.zeros([2, 10]))


class PrunableLayersTest(tf.test.TestCase):

  def test_are_in_the_order_of_the_model(self):
    model = architectures.build_lenet([8, 8, 1], 10, layer_sets.DenseLayers())
    self.assertEqual(
        [layer.name for layer in layer_sets.prunable_layers(model)],
        ['conv1', 'conv2', 'dense1', 'dense2', 'logits'],
    )


if __name__ == '__main__':
  tf.test.main()
