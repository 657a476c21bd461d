"""Tests of secret sharing."""

import itertools
from unittest import mock

from absl.testing import absltest

from tff_hidenseek.on_device.secure_aggregation import shamir


class ShamirTest(absltest.TestCase):

  def test_any_threshold_of_shares_give_the_secret(self):
    secret = shamir.draw_element()
    shares = shamir.split(secret, 3, range(1, 6))
    for places in itertools.combinations(shares, 3):
      self.assertEqual(shamir.join({p: shares[p] for p in places}), secret)
    self.assertEqual(shamir.join(shares), secret)

  def test_polynomial_is_evaluated_at_the_places(self):
    # 5 + 2 x + 3 x^2 at 1 is 10, at 2 is 21, at 4 is 61.
    with mock.patch.object(shamir, 'draw_element', side_effect=[2, 3]):
      shares = shamir.split(5, 3, [1, 2, 4])
    self.assertEqual(shares, {1: 10, 2: 21, 4: 61})
    self.assertEqual(shamir.join(shares), 5)

  def test_fewer_shares_fit_every_secret(self):
    # With one share missing, each value of it gives another secret: what is
    # known excludes none.
    shares = shamir.split(7, 3, [1, 2, 3])
    del shares[3]
    for wanted in (0, 1, 7, shamir.PRIME - 1):
      at_zero = [shamir.join({**shares, 3: guess}) for guess in (0, 1)]
      slope = (at_zero[1] - at_zero[0]) % shamir.PRIME
      guess = (wanted - at_zero[0]) * pow(slope, -1, shamir.PRIME)
      shares[3] = guess % shamir.PRIME
      self.assertEqual(shamir.join(shares), wanted)
      del shares[3]

  def test_false_share_gives_another_secret(self):
    shares = shamir.split(7, 2, [1, 2])
    shares[1] += 1
    self.assertNotEqual(shamir.join(shares), 7)

  def test_elements_are_32_bytes(self):
    for element in (0, 1, shamir.PRIME - 1):
      self.assertLen(shamir.to_bytes(element), 32)
      self.assertEqual(shamir.from_bytes(shamir.to_bytes(element)), element)
    for content in (shamir.PRIME.to_bytes(32, 'little'), bytes(31)):
      with self.assertRaisesRegex(ValueError, 'must be an element'):
        shamir.from_bytes(content)


if __name__ == '__main__':
  absltest.main()
