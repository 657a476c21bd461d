from absl.testing import absltest
import numpy as np
from sklearn import datasets as sklearn_datasets

from tff_hidenseek.data import digits


class LoadDigitsTest(absltest.TestCase):

  def test_has_the_images_of_scikit_learn_and_its_labels(self):
    expected = sklearn_datasets.load_digits()
    dataset = digits.load_digits(None, None)
    self.assertEqual(dataset.train_x.shape, (1438, 8, 8, 1))
    self.assertEqual(dataset.test_x.shape, (359, 8, 8, 1))

    def pairs(images, labels):
      return sorted(
          (*image.ravel(), label) for image, label in zip(images, labels)
      )

    np.testing.assert_array_equal(
        pairs(
            np.concatenate([dataset.train_x, dataset.test_x]),
            np.concatenate([dataset.train_y, dataset.test_y]),
        ),
        pairs(np.float32(expected.images / 16), expected.target),
    )


if __name__ == '__main__':
  absltest.main()
