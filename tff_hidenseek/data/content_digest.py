"""A digest of arrays, by which data is recognised."""

import hashlib
from typing import Mapping

import numpy as np


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
  """Digests the names, shapes, types and contents of arrays.

  Args:
    arrays: Arrays of numbers or strings by name, in any order.

  Returns:
    A SHA-256 in hexadecimal.
  """
  digest = hashlib.sha256()
  for name, array in sorted(arrays.items()):
    array = np.asarray(array)
    array = array.astype(array.dtype.newbyteorder('<'), copy=False)
    digest.update(repr((name, array.shape, array.dtype.str)).encode())
    digest.update(np.ascontiguousarray(array))
  return digest.hexdigest()
