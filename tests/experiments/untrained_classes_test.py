"""Classes that no training client has an example of are never answered."""

from absl.testing import parameterized
import attrs
import numpy as np
import tensorflow as tf

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run


def setUpModule():
  tiny_experiment.set_context()


class UntrainedClassesTest(tf.test.TestCase, parameterized.TestCase):

  def _train(self, algorithm, **changes):
    """Trains two rounds on four clients of two classes each."""
    config = tiny_experiment.make_config(
        algorithm, partition='shards', num_unseen_clients=0, **changes
    )
    federation = federation_lib.build_federation(config)
    run = training_run.TrainingRun(
        config, training_loop.build_algorithm(config, federation), federation
    )
    for round_num in (1, 2):
      run.train_round(round_num)
    return run, federation, config

  @parameterized.parameters('hidenseek', 'fed_avg', 'fed_pm', 'lottery_fl')
  def test_a_loss_that_leaves_them_out_is_made_up_for(self, algorithm):
    run, federation, config = self._train(algorithm, class_prior=True)
    trained = np.flatnonzero(
        federation_lib.find_trained_classes(federation, config)
    )
    self.assertBetween(len(trained), 4, 8)
    model = run.algorithm.build_global_model(run.server_state)
    dataset = federation.dataset
    answers = model.predict(dataset.test_x, verbose=0).argmax(axis=1)
    self.assertContainsSubset(answers, trained)
    self.assertAlmostEqual(
        np.mean(answers == dataset.test_y), run.global_accuracy()
    )
    # Without it they are answered: what chance made their logits still wins.
    bare = tf.keras.Model(model.inputs, model.layers[-2].output)
    answers = bare.predict(dataset.test_x, verbose=0).argmax(axis=1)
    self.assertNotEmpty(set(answers) - set(trained))

  def test_a_loss_that_counts_them_is_left_alone(self):
    run, _, _ = self._train('fed_avg', class_prior=False)
    model = run.algorithm.build_global_model(run.server_state)
    self.assertNotIn('class_prior', [layer.name for layer in model.layers])

  def test_where_all_are_trained_nothing_is_added(self):
    config = tiny_experiment.make_config('hidenseek')
    federation = tiny_experiment.build_federation()
    self.assertAllEqual(federation.find_classes([0]), [True] * 10)
    run = tiny_experiment.start_run(attrs.evolve(config, seed=0))
    model = run.algorithm.build_global_model(run.server_state)
    self.assertEqual(model.layers[-1].name, 'logits')


if __name__ == '__main__':
  tf.test.main()
