"""Integers modulo a power of two, packed without gaps."""

import numpy as np

MAX_BITS = 16


def num_bits(num_clients: int) -> int:
  """Returns the bits of a masked vote: ceil(log2(num_clients + 1))."""
  return num_clients.bit_length()


def pack(values: np.ndarray, bits: int) -> bytes:
  """Packs integers.

  Args:
    values: `uint16[K]`, each below `2**bits`.
    bits: From 1 to 16.

  Returns:
    ceil(K * bits / 8) bytes; the lowest bit of the first integer is the lowest
    of the first byte, and bits after the last integer are zero.
  """
  octets = values.astype('<u2').view(np.uint8).reshape(-1, 2)
  digits = np.unpackbits(octets, axis=1, bitorder='little')[:, :bits]
  return np.packbits(digits, bitorder='little').tobytes()


def unpack(content: bytes, bits: int, num_values: int) -> np.ndarray:
  """Undoes `pack`; returns `uint16[num_values]`."""
  digits = np.unpackbits(
      np.frombuffer(content, np.uint8),
      count=num_values * bits,
      bitorder='little',
  ).reshape(num_values, bits)
  octets = np.packbits(digits, axis=1, bitorder='little')
  padding = np.zeros((num_values, 2 - octets.shape[1]), np.uint8)
  octets = np.ascontiguousarray(np.concatenate([octets, padding], axis=1))
  return octets.view('<u2')[:, 0].astype(np.uint16)
