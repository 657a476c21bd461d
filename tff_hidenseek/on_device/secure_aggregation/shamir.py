"""Shamir's secret sharing (1979): any t shares give the secret, fewer nothing.

The field is that of the integers modulo 2**255 - 19, so that a secret of
X25519 is an element and a share takes 32 bytes.
"""

import functools
import secrets
from typing import Dict, Iterable, List, Mapping, Tuple

PRIME = 2**255 - 19
ELEMENT_BYTES = 32


def draw_element() -> int:
  """Draws an element, each as likely, from the system's entropy."""
  return secrets.randbelow(PRIME)


def to_bytes(element: int) -> bytes:
  """Writes an element as 32 bytes, the lowest first."""
  return element.to_bytes(ELEMENT_BYTES, 'little')


def from_bytes(content: bytes) -> int:
  """Undoes `to_bytes`; raises `ValueError` if it is no element."""
  element = int.from_bytes(content, 'little')
  if len(content) != ELEMENT_BYTES or element >= PRIME:
    raise ValueError('A share must be an element of the field.')
  return element


def split(secret: int, threshold: int, places: Iterable[int]) -> Dict[int, int]:
  """Cuts a secret into shares.

  Args:
    secret: An element of the field.
    threshold: How many shares give the secret back, at least 1.
    places: Where the polynomial is evaluated, one share each: distinct, from 1.

  Returns:
    The share of each place.
  """
  coefficients = [secret] + [draw_element() for _ in range(threshold - 1)]
  shares = {}
  for place in places:
    value = 0
    for coefficient in reversed(coefficients):
      value = (value * place + coefficient) % PRIME
    shares[place] = value
  return shares


def join(shares: Mapping[int, int]) -> int:
  """Returns the secret of which these are shares.

  Args:
    shares: The shares by their places, at least as many as the threshold.
  """
  weights = _weights_at_zero(tuple(shares))
  products = (w * share for w, share in zip(weights, shares.values()))
  return sum(products) % PRIME


@functools.lru_cache(maxsize=16)
def _weights_at_zero(places: Tuple[int, ...]) -> List[int]:
  """Returns Lagrange's weights, the same for all secrets of a round."""
  weights = []
  for place in places:
    numerator = denominator = 1
    for other in places:
      if other != place:
        numerator = numerator * other % PRIME
        denominator = denominator * (other - place) % PRIME
    weights.append(numerator * pow(denominator, -1, PRIME) % PRIME)
  return weights
