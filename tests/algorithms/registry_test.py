"""The tables drive these tests: a new line is tested without another."""

import functools
import math

from absl.testing import parameterized
import attrs
import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import metrics
from tff_hidenseek.models import architectures
from tff_hidenseek.models import kernel_shapes
from tff_hidenseek.models import layer_sets


def setUpModule():
  tiny_experiment.set_context()


class AlgorithmsTest(parameterized.TestCase):

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_runs_two_rounds(self, name):
    run = tiny_experiment.start_run(tiny_experiment.make_config(name))
    for round_num in (1, 2):
      row = run.train_round(round_num)
      self.assertContainsSubset(
          row, [*metrics.METRIC_NAMES, *run.algorithm.measurements]
      )
      self.assertEqual(row['round_num'], round_num)
      self.assertTrue(math.isfinite(row['train_loss']))
      self.assertGreater(row['bytes_up'], 0)
      self.assertGreater(row['bytes_down'], 0)
    accuracies = run.personal_accuracies()
    self.assertEqual(sorted(accuracies), [0, 1, 2, 3])
    for accuracy in [run.global_accuracy(), *accuracies.values()]:
      self.assertBetween(accuracy, 0, 1)

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_the_global_model_has_the_global_accuracy(self, name):
    run = tiny_experiment.start_run(tiny_experiment.make_config(name))
    run.train_round(1)
    model = run.algorithm.build_global_model(run.server_state)
    dataset = tiny_experiment.build_federation().dataset
    predicted = tf.argmax(model(dataset.test_x), axis=1).numpy()
    self.assertAlmostEqual(
        (predicted == dataset.test_y).mean(), run.global_accuracy()
    )

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_every_option_says_what_it_is(self, name):
    options_class = registry.ALGORITHMS[name].options_class
    for field in attrs.fields(options_class):
      self.assertRegex(field.metadata['help'], r'^[A-Z0-9].*\.$')
      self.assertIsInstance(field.default, (bool, int, float, str))
    self.assertContainsSubset(
        ('num_epochs', 'batch_size'),
        [field.name for field in attrs.fields(options_class)],
    )


  @parameterized.parameters(*registry.ALGORITHMS)
  def test_the_class_prior_is_in_personal_models_if_it_is_asked_for(self, name):
    run = tiny_experiment.start_run(
        tiny_experiment.make_config(name, class_prior=True)
    )
    run.train_round(1)
    data = tiny_experiment.build_federation().train_data(0)
    model = run.algorithm.build_personal_model(
        run.server_state, run.algorithm.initial_client_state, data
    )
    counts = np.bincount(data['y'], minlength=model.output_shape[-1])
    np.testing.assert_allclose(
        np.exp(model.get_layer('class_prior').log_prior),
        counts / counts.sum(),
        atol=1e-6,
    )

  @parameterized.parameters(*registry.ALGORITHMS)
  def test_only_hidenseek_has_the_class_prior_by_default(self, name):
    options = registry.ALGORITHMS[name].options_class()
    self.assertEqual(options.class_prior, name == 'hidenseek')


class ModelsTest(parameterized.TestCase):

  @parameterized.parameters(*architectures.MODELS)
  def test_builds_for_the_smallest_images(self, name):
    side = {'conv6': 8, 'small_cnn': 16, 'vgg16': 32}.get(name, 6)
    build_model = functools.partial(
        architectures.MODELS[name], (side, side, 1), 2
    )
    shapes = kernel_shapes.kernel_shapes(build_model)
    model = build_model(
        layer_sets.SignMaskedLayers({layer: 1 for layer in shapes})
    )
    self.assertEqual(model.output_shape, (None, 2))
    self.assertLen(model.trainable_variables, len(shapes))


if __name__ == '__main__':
  tf.test.main()
