"""Bits and counts in as few bytes as their probabilities allow, exactly.

Probabilities are made with +, -, * and / of float64 alone, which give the same
bits on every machine.
"""

import lzma

import constriction
import numpy as np

# The range coder works with probabilities of this resolution.
_LEAST_PROBABILITY = 2.0**-16
_WORD = np.dtype('<u4')
# No dictionary to speak of: memory is bounded whatever a file says.
_XZ_FILTERS = [{
    'id': lzma.FILTER_LZMA2,
    'dict_size': 1 << 22,
    'lc': 0,
    'lp': 0,
    'pb': 0,
    'mode': lzma.MODE_NORMAL,
    'nice_len': 273,
    'mf': lzma.MF_BT4,
}]


class BitEncoder:
  """Writes bits of which each has its own probability."""

  def __init__(self):
    self._coder = constriction.stream.queue.RangeEncoder()

  def encode(self, bits: np.ndarray, probabilities: np.ndarray) -> None:
    """Appends bits.

    Args:
      bits: A bool array.
      probabilities: That a bit is True; a float64 array of the same length.
    """
    self._coder.encode(
        bits.astype(np.int32), _bernoulli(), _clip(probabilities)
    )

  def to_bytes(self) -> bytes:
    """Returns all that was written."""
    return self._coder.get_compressed().astype(_WORD).tobytes()


class BitDecoder:
  """Reads what a `BitEncoder` wrote, given the same probabilities."""

  def __init__(self, data: bytes):
    if len(data) % _WORD.itemsize:
      raise ValueError(
          f'`data` must be whole words of {_WORD.itemsize} bytes, found '
          f'{len(data)} bytes.'
      )
    words = np.frombuffer(data, _WORD).astype(np.uint32)
    self._coder = constriction.stream.queue.RangeDecoder(words)

  def decode(self, probabilities: np.ndarray) -> np.ndarray:
    """Returns the next bits.

    Args:
      probabilities: As given to the encoder.

    Returns:
      A bool array of the same length.

    Raises:
      ValueError: If no encoder can have written the data.
    """
    try:
      bits = self._coder.decode(_bernoulli(), _clip(probabilities))
    except (AssertionError, RuntimeError) as error:
      raise ValueError(f'The coded bits are invalid: {error}') from error
    return bits.astype(bool)

  def check_end(self) -> None:
    """Raises `ValueError` if there is surely more to read."""
    if not self._coder.maybe_exhausted():
      raise ValueError('The coded bits must end here, found more.')


def _bernoulli():
  return constriction.stream.model.Bernoulli(perfect=False)


def _clip(probabilities):
  return np.clip(probabilities, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)


def compress(data: bytes) -> bytes:
  """Compresses bytes with LZMA, without a container."""
  return lzma.compress(data, lzma.FORMAT_RAW, filters=_XZ_FILTERS)


def decompress(data: bytes, size: int) -> bytes:
  """Undoes `compress`, in bounded memory.

  Args:
    data: The compressed bytes.
    size: How many bytes must come out.

  Returns:
    The bytes.

  Raises:
    ValueError: If not exactly that many come out.
  """
  decompressor = lzma.LZMADecompressor(
      lzma.FORMAT_RAW, filters=_XZ_FILTERS
  )
  try:
    # One more than wanted shows that there are too many.
    output = decompressor.decompress(data, max_length=size + 1)
  except lzma.LZMAError as error:
    raise ValueError(f'The compressed bytes are invalid: {error}.') from error
  if len(output) != size or decompressor.unused_data:
    raise ValueError(
        f'The compressed bytes must give {size} bytes, found others.'
    )
  return output
