"""Tests of the gate before every exported file."""

import unittest

import numpy as np

from tff_hidenseek.export import agreement


class AgreementTest(unittest.TestCase):

  def test_ties_and_only_ties_count_as_the_same(self):
    expected = np.array([[1, 1, 0], [1, 0.5, 0], [2, 0, 0], [0, 1, 0]])
    logits = np.array([[0, 1, 0], [0, 1, 0], [2, 0, 0], [0, 3, 0.0]])
    result = agreement.compare(logits, expected, tie=1e-5)
    self.assertEqual(result.agreement, 0.75)
    self.assertEqual(result.max_logit_error, 2.0)
    self.assertEqual(result.accuracy(np.array([1, 0, 0])), 2 / 3)

  def test_other_classes_are_refused(self):
    expected = np.eye(10)
    logits = expected.copy()
    logits[0] = np.eye(10)[1]
    bounds = agreement.Bounds(0.95, relative_tolerance=2)
    with self.assertRaisesRegex(
        agreement.AgreementError, 'flavour must agree.*95% of 10.*90.00%'
    ):
      agreement.check('flavour', logits, expected, bounds)
    agreement.check(
        'flavour', logits, expected, agreement.Bounds(0.9, relative_tolerance=2)
    )

  def test_other_logits_are_refused(self):
    expected = np.eye(10)
    bounds = agreement.Bounds()
    agreement.check('flavour', expected * (1 + 1e-5), expected, bounds)
    with self.assertRaises(agreement.AgreementError):
      agreement.check('flavour', expected * 1.01, expected, bounds)

  def test_a_class_that_a_client_lacks_sets_no_scale(self):
    # Its logit would make the others a tie, and any error small.
    expected = np.array([[2.0, 1.99, -1000.0]] * 10)
    result = agreement.compare(expected[:, [1, 0, 2]], expected, tie=1e-5)
    self.assertEqual(result.agreement, 0)
    bounds = agreement.Bounds()
    agreement.check('flavour', expected + 1e-4, expected, bounds)
    with self.assertRaises(agreement.AgreementError):
      agreement.check('flavour', expected + 0.01, expected, bounds)

  def test_a_class_that_a_client_lacks_must_not_be_chosen(self):
    expected = np.array([[2.0, 1.0, -1000.0]] * 10)
    logits = expected + [0, 0, 1]
    agreement.check('flavour', logits, expected, agreement.Bounds())
    for wrong in (3.0, np.nan):
      logits[:, 2] = wrong
      with self.assertRaises(agreement.AgreementError):
        agreement.check('flavour', logits, expected, agreement.Bounds())

  def test_logits_that_are_not_numbers_are_refused(self):
    logits = np.full([10, 10], np.nan)
    with self.assertRaises(agreement.AgreementError):
      agreement.check('flavour', logits, np.zeros([10, 10]), agreement.Bounds())


if __name__ == '__main__':
  unittest.main()
