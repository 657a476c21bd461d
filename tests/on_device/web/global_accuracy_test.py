"""The accuracy that the pages show is that of the Keras model."""

from absl.testing import absltest
import numpy as np

from tests.export import trained_models
from tff_hidenseek.export import trainable
from tff_hidenseek.layers import sign_masked
from tff_hidenseek.on_device.web import global_accuracy


class GlobalAccuracyTest(absltest.TestCase):

  def test_is_that_of_keras(self):
    model = trained_models.train_on_digits('mlp')
    data = trained_models.load_digits()
    scores = [
        layer.scores.numpy()
        for layer in model.layers
        if isinstance(layer, sign_masked.SignMaskedLayer)
    ]
    signs = np.concatenate(scores) >= 0
    evaluate = global_accuracy.make_evaluate(
        trainable.convert_trainable(model, 16), data.test_x, data.test_y
    )
    logits = model.predict(data.test_x, verbose=0)
    right = evaluate(np.packbits(signs, bitorder='little').tobytes())
    self.assertAlmostEqual(
        right, np.mean(logits.argmax(axis=-1) == data.test_y), delta=1e-6
    )
    wrong = evaluate(np.packbits(~signs, bitorder='little').tobytes())
    self.assertLess(wrong, right)


if __name__ == '__main__':
  absltest.main()
