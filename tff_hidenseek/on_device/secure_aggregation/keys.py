"""Keys that two clients agree on, and what they encrypt and mask with them.

X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869), ChaCha20-Poly1305 and ChaCha20
(RFC 8439), all of the package cryptography. Every key is of one round.
"""

import hashlib

from cryptography import exceptions
from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers import aead
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.kdf import hkdf
import numpy as np

from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device.secure_aggregation import shamir

PUBLIC_KEY_BYTES = 32
COMMITMENT_BYTES = 32
TAG_BYTES = 16
# Each key encrypts one message, so that its nonce may be constant.
_NONCE = bytes(12)
_COUNTER_AND_NONCE = bytes(16)


def public_key(private: int) -> bytes:
  """Returns the public key of a private one, an element of the field."""
  return _private_key(private).public_key().public_bytes_raw()


def agree(private: int, public: bytes, purpose: str, context: bytes) -> bytes:
  """Returns the 32 bytes that two clients alone can know.

  Args:
    private: One client's private key.
    public: The other's public key.
    purpose: What the bytes are for; another purpose gives others.
    context: What both must see alike; another context gives others.

  Raises:
    ValueError: If the public key is one whose outcome everybody knows.
  """
  shared = _private_key(private).exchange(
      x25519.X25519PublicKey.from_public_bytes(public)
  )
  return _derive(shared, purpose, context)


def commit(seed: int, context: bytes) -> bytes:
  """Returns the hash by which a seed is known once it is told."""
  return hashlib.sha256(
      b'commitment' + context + shamir.to_bytes(seed)
  ).digest()


def encrypt(key: bytes, plain: bytes) -> bytes:
  """Encrypts the one message of a key; it becomes 16 bytes longer."""
  return aead.ChaCha20Poly1305(key).encrypt(_NONCE, plain, None)


def decrypt(key: bytes, encrypted: bytes) -> bytes:
  """Undoes `encrypt`; raises `ValueError` if it was not done with this key."""
  try:
    return aead.ChaCha20Poly1305(key).decrypt(_NONCE, encrypted, None)
  except exceptions.InvalidTag as error:
    raise ValueError('It is not encrypted with this key.') from error


def seed_mask(seed: int, context: bytes, bits: int, size: int) -> np.ndarray:
  """Returns a client's own mask, `uint16[size]` below `2**bits`."""
  key = _derive(shamir.to_bytes(seed), 'self mask', context)
  return expand(key, bits, size)


def expand(key: bytes, bits: int, size: int) -> np.ndarray:
  """Returns the key stream of ChaCha20 as integers, two bytes each.

  Args:
    key: 32 bytes.
    bits: How many bits of an integer count, the lowest, 16 at most.
    size: How many integers.

  Returns:
    `uint16[size]` below `2**bits`, each as likely to who does not know the key.
  """
  cipher = ciphers.Cipher(algorithms.ChaCha20(key, _COUNTER_AND_NONCE), None)
  stream = cipher.encryptor().update(bytes(2 * size))
  return np.frombuffer(stream, '<u2') & np.uint16(2**bits - 1)


def _private_key(private):
  return x25519.X25519PrivateKey.from_private_bytes(shamir.to_bytes(private))


def _derive(secret, purpose, context):
  info = f'tff_hidenseek {protocol.VERSION} {purpose}'.encode()
  return hkdf.HKDF(hashes.SHA256(), 32, salt=context, info=info).derive(secret)
