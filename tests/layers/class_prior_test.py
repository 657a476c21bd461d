import os
import tempfile

import numpy as np
import tensorflow as tf

from tff_hidenseek.layers import class_prior


def _build_model():
  """Returns logits x and their prior: log of 3/4, 1/4."""
  layer = class_prior.ClassPrior(name='class_prior')
  inputs = tf.keras.Input([2])
  model = tf.keras.Model(inputs, layer(inputs))
  layer.log_prior.assign(np.log([0.75, 0.25]))
  return model


class ClassPriorTest(tf.test.TestCase):

  def test_adds_the_log_frequencies(self):
    logits = _build_model()(tf.constant([[0.0, 0.0], [0.0, np.log(3.0)]]))
    self.assertAllClose(
        tf.nn.softmax(logits), [[0.75, 0.25], [0.5, 0.5]]
    )

  def test_adds_nothing_until_they_are_assigned(self):
    logits = tf.constant([[1.0, -2.0]])
    self.assertAllEqual(class_prior.ClassPrior()(logits), logits)

  def test_is_not_trained(self):
    model = _build_model()
    self.assertEmpty(model.trainable_variables)
    self.assertLen(model.non_trainable_variables, 1)

  def test_a_saved_model_has_the_same_outputs(self):
    model = _build_model()
    logits = tf.constant([[0.5, -1.5]])
    with tempfile.TemporaryDirectory() as folder:
      path = os.path.join(folder, 'model.keras')
      model.save(path)
      loaded = tf.keras.models.load_model(path)
    self.assertIsInstance(loaded.layers[-1], class_prior.ClassPrior)
    self.assertAllEqual(loaded(logits), model(logits))

  def test_is_made_again_from_its_config(self):
    layer = class_prior.ClassPrior(name='of_client_3', dtype='float64')
    again = class_prior.ClassPrior.from_config(layer.get_config())
    self.assertEqual(again.get_config(), layer.get_config())


if __name__ == '__main__':
  tf.test.main()
