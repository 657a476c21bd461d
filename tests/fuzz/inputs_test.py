"""Tests that the fuzzing's own judge is strict, and that its inputs are all."""

from absl.testing import absltest
from hypothesis import strategies as st

from tests.fuzz import inputs


def _raise(error):
  def function():
    raise error

  return function


class ResultOrSentenceTest(absltest.TestCase):

  def test_a_result_is_returned(self):
    self.assertEqual(inputs.result_or_sentence(lambda: 3), 3)

  def test_a_sentence_is_no_result(self):
    for text in (
        '`density` must be in (0, 1], found 2.',
        'a/b.npz: must be a .npz file, found no file.',
        'a/b is not the config of a run: flag --seed=x: no number.',
    ):
      self.assertIsNone(
          inputs.result_or_sentence(_raise(ValueError(text)), 'a/b.npz')
      )

  def test_other_texts_fail(self):
    for text in (
        '',
        'embedded null byte',
        'must be a .npz file, found no file.',
        '`density` must be in (0, 1].',
        '`density` must be in (0, 1],\nfound 2.',
    ):
      with self.assertRaisesRegex(AssertionError, 'no sentence'):
        inputs.result_or_sentence(_raise(ValueError(text)), 'a/b.npz')

  def test_other_errors_fail(self):
    for error in (KeyError('seed'), TypeError('x'), RecursionError()):
      with self.assertRaises(type(error)):
        inputs.result_or_sentence(_raise(error))


class AmountTest(absltest.TestCase):

  def test_the_shares_are_a_whole(self):
    self.assertEqual(sum(inputs.SHARES.values()), 1000)

  def test_too_few_inputs_fail(self):
    @inputs.fuzz('flag_files', st.just(1))
    def check(self, value):
      del self, value

    with self.assertRaisesRegex(AssertionError, '^1 not greater'):
      check(self)


if __name__ == '__main__':
  absltest.main()
