"""Tests of the codes of masks and signs."""

import base64
import unittest

import hypothesis
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies
import numpy as np

from tff_hidenseek.ticket import entropy_coding
from tff_hidenseek.ticket import mask_coding
from tff_hidenseek.ticket import sign_coding

_SHAPES = numpy_strategies.array_shapes(min_dims=2, max_dims=4, max_side=6)


def _entropy_bytes(probability, size):
  p = probability
  return -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) * size / 8


def _structured_mask(num_rows, num_columns):
  """Returns a mask of which some rows are dense and most are sparse."""
  words = np.random.Philox(0).random_raw(num_rows * num_columns)
  uniform = (words >> np.uint64(11)) * 2.0**-53
  row_density = np.where(np.arange(num_rows) % 10 == 0, 0.9, 0.02)
  return uniform.reshape(num_rows, -1) < row_density[:, np.newaxis]


class MaskCodingTest(unittest.TestCase):

  @hypothesis.given(st.lists(
      _SHAPES.flatmap(lambda shape: numpy_strategies.arrays(bool, shape)),
      min_size=1,
      max_size=3,
  ))
  def test_every_code_gives_the_masks_back(self, arrays):
    masks = {f'layer{i}': mask for i, mask in enumerate(arrays)}
    shapes = {name: mask.shape for name, mask in masks.items()}
    for code, data in (
        ('marginals', mask_coding._encode_marginals(masks)),  # pylint: disable=protected-access
        mask_coding.encode_masks(masks),
    ):
      decoded = mask_coding.decode_masks(code, data, shapes)
      for name, mask in masks.items():
        np.testing.assert_array_equal(decoded[name], mask)

  def test_dense_and_empty_rows_cost_little(self):
    mask = _structured_mask(200, 60)
    code, data = mask_coding.encode_masks({'layer': mask})
    self.assertEqual(code, 'marginals')
    self.assertLess(len(data), 0.6 * _entropy_bytes(mask.mean(), mask.size))

  def test_bytes_of_other_machines_are_read(self):
    # Written with version 0.4.2 of the range coder's library, on Python 3.9.
    data = base64.b64decode(
        'MAAAAOAAxwAoAAAIADZLP+KwsNhnevCQcju8uoVGHbhSdJudonCwjUI1lpL9'
        'Ty/6kwAAAGjYG56k9iXcgEfV+w=='
    )
    mask = _structured_mask(30, 20)
    decoded = mask_coding.decode_masks(
        'marginals', data, {'layer': mask.shape}
    )
    np.testing.assert_array_equal(decoded['layer'], mask)


class SignCodingTest(unittest.TestCase):

  @hypothesis.given(
      numpy_strategies.arrays(bool, st.integers(1, 50)), st.integers(0, 9)
  )
  def test_every_code_gives_the_signs_back(self, signs, seed):
    scores = np.random.default_rng(seed).uniform(-1, 1, signs.size)
    initial = {'layer': scores.astype(np.float32)}
    for code, data in (
        sign_coding.encode_signs({'layer': signs}, initial),
        ('flips', sign_coding._encode_flips({'layer': signs}, initial)),  # pylint: disable=protected-access
    ):
      decoded = sign_coding.decode_signs(code, data, initial)
      np.testing.assert_array_equal(decoded['layer'], signs)

  def test_flips_near_zero_cost_less_than_their_entropy(self):
    rng = np.random.default_rng(0)
    scores = rng.uniform(-1, 1, 20_000).astype(np.float32)
    trained = scores + rng.normal(0, 0.3, scores.size)
    code, data = sign_coding.encode_signs(
        {'layer': trained >= 0}, {'layer': scores}
    )
    share = np.mean((trained >= 0) != (scores >= 0))
    self.assertEqual(code, 'flips')
    self.assertLess(len(data), 0.85 * _entropy_bytes(share, scores.size))


class CompressionTest(unittest.TestCase):

  @hypothesis.given(st.binary(max_size=200))
  def test_decompress_undoes_compress(self, data):
    packed = entropy_coding.compress(data)
    self.assertEqual(entropy_coding.decompress(packed, len(data)), data)
    for size in (len(data) - 1, len(data) + 1):
      if size >= 0:
        with self.assertRaisesRegex(ValueError, f'must give {size} bytes'):
          entropy_coding.decompress(packed, size)


if __name__ == '__main__':
  unittest.main()
