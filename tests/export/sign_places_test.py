"""Tests of changing signs in an exported file."""

import unittest

import numpy as np
import tensorflow as tf

from tests.export import trained_models
from tff_hidenseek.export import agreement
from tff_hidenseek.export import folding
from tff_hidenseek.export import litert
from tff_hidenseek.export import serving
from tff_hidenseek.export import sign_places
from tff_hidenseek.export import tflite_flavours
from tff_hidenseek.layers import sign_masked


def _sign_masked_layers(model):
  return [
      layer
      for layer in model.layers
      if isinstance(layer, sign_masked.SignMaskedLayer)
  ]


def _with_other_signs(model, fraction):
  """Returns a model of which some of the signs are others, and all signs."""
  other = tf.keras.models.clone_model(model)
  other.set_weights(model.get_weights())
  rng = np.random.default_rng(0)
  for layer in _sign_masked_layers(other):
    scores = layer.scores.numpy()
    flips = rng.random(scores.size) < fraction
    layer.assign_scores(np.where(flips, -scores, scores))
  scores = [layer.scores.numpy() for layer in _sign_masked_layers(other)]
  return other, np.concatenate(scores) >= 0


class SignPlacesTest(unittest.TestCase):

  def _convert(self, flavour, model):
    images = trained_models.load_digits().train_x[:200]
    return flavour.convert(folding.fold_model(model), images)

  def _check(self, name, fraction, **changes):
    model = trained_models.train_on_digits('cnn', **changes)
    flavour = tflite_flavours.FLAVOURS[name]
    places = sign_places.find(self._convert(flavour, model), model)
    other, is_plus = _with_other_signs(model, fraction)
    images = trained_models.load_digits().test_x
    runner = litert.open_content(places.write(is_plus)).get_signature_runner(
        serving.SIGNATURE
    )
    logits = runner(**{serving.INPUT: images})[serving.OUTPUT]
    expected = folding.fold_model(other).predict(images, verbose=0)
    self.assertGreater(np.abs(expected).max(), 1)
    agreement.check(name, logits, expected, flavour.bounds)

  def test_file_of_one_is_the_other_ones_after_its_signs_are_written(self):
    self._check('float32', fraction=0.5)
    self._check('float32', fraction=0.5, kernel_distribution='gaussian')

  def test_integers_hold_with_the_ranges_of_a_model_nearby(self):
    self._check('int8', fraction=0.02)

  def test_own_signs_give_the_same_bytes_back(self):
    model = trained_models.train_on_digits('cnn')
    for name in ('float32', 'int8'):
      content = self._convert(tflite_flavours.FLAVOURS[name], model)
      places = sign_places.find(content, model)
      _, is_plus = _with_other_signs(model, 0)
      self.assertEqual(places.write(is_plus), content)
      self.assertNotEqual(places.content, content)

  def test_file_of_other_weights_is_refused(self):
    model = trained_models.train_on_digits('cnn')
    other = trained_models.build_untrained(
        trained_models.make_architecture('cnn'),
        trained_models.make_options(seed=4),
    )
    content = self._convert(tflite_flavours.FLAVOURS['float32'], other)
    with self.assertRaisesRegex(ValueError, 'found other weights'):
      sign_places.find(content, model)


if __name__ == '__main__':
  unittest.main()
