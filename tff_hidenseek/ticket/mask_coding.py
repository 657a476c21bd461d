"""Masks in few bytes: whole rows and columns of a layer are dense or empty.

SynFlow keeps nearly all weights of some channels and nearly none of others.
'marginals' writes how many weights each row and each column keeps, and then
every bit with the probability that follows from its row and column. 'lzma'
writes the packed bits. `encode_masks` takes what is smaller.
"""

import math
from typing import Dict, Mapping, Sequence, Tuple

import numpy as np

from tff_hidenseek.ticket import entropy_coding

_COUNT = np.dtype('<u4')
_LENGTH_BYTES = 4
# Bits coded at a time, which bounds the memory for their probabilities.
_CHUNK = 1 << 20


def encode_masks(masks: Mapping[str, np.ndarray]) -> Tuple[str, bytes]:
  """Encodes the masks of a model.

  Args:
    masks: Bool arrays by the name of the layer, outputs last.

  Returns:
    The name of the code in `MASK_DECODERS`, and the bytes.
  """
  candidates = [
      ('marginals', _encode_marginals(masks)),
      ('lzma', entropy_coding.compress(_pack(masks))),
  ]
  return min(candidates, key=lambda candidate: len(candidate[1]))


def _pack(masks):
  bits = np.concatenate([mask.ravel() for mask in masks.values()])
  return np.packbits(bits, bitorder='little').tobytes()


def _decode_lzma(data, shapes):
  size = sum(math.prod(shape) for shape in shapes.values())
  packed = entropy_coding.decompress(data, -(-size // 8))
  bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder='little')
  if bits[size:].any():
    raise ValueError('The bits after the last mask must be zero.')
  return _split(bits[:size].astype(bool), shapes)


def _split(bits, shapes):
  bounds = np.cumsum([math.prod(shape) for shape in shapes.values()])
  parts = np.split(bits, bounds[:-1])
  return {
      name: part.reshape(shape)
      for (name, shape), part in zip(shapes.items(), parts)
  }


def _encode_marginals(masks):
  encoder = entropy_coding.BitEncoder()
  counts = []
  for mask in masks.values():
    matrix = mask.reshape(-1, mask.shape[-1])
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    counts += [rows, columns]
    for part, probabilities in _chunks(rows, columns):
      encoder.encode(matrix[part].ravel(), probabilities)
  # All lowest bytes first, then all second ones, ...: most are zero.
  planes = np.concatenate(counts).astype(_COUNT).view(np.uint8)
  planes = planes.reshape(-1, _COUNT.itemsize).T.tobytes()
  compressed = entropy_coding.compress(planes)
  length = len(compressed).to_bytes(_LENGTH_BYTES, 'little')
  return length + compressed + encoder.to_bytes()


def _decode_marginals(data, shapes):
  sizes = [
      size
      for shape in shapes.values()
      for size in (math.prod(shape[:-1]), shape[-1])
  ]
  length = int.from_bytes(data[:_LENGTH_BYTES], 'little')
  end_of_counts = _LENGTH_BYTES + length
  planes = entropy_coding.decompress(
      data[_LENGTH_BYTES:end_of_counts], sum(sizes) * _COUNT.itemsize
  )
  counts = np.frombuffer(planes, np.uint8).reshape(_COUNT.itemsize, -1)
  counts = np.ascontiguousarray(counts.T).view(_COUNT).ravel().astype(np.int64)
  counts = np.split(counts, np.cumsum(sizes)[:-1])
  decoder = entropy_coding.BitDecoder(data[end_of_counts:])
  masks = {}
  for (name, shape), rows, columns in zip(
      shapes.items(), counts[::2], counts[1::2]
  ):
    if (
        rows.max() > columns.size
        or columns.max() > rows.size
        or rows.sum() != columns.sum()
    ):
      raise ValueError(f'The counts of layer {name!r} contradict each other.')
    matrix = np.zeros([rows.size, columns.size], bool)
    for part, probabilities in _chunks(rows, columns):
      bits = decoder.decode(probabilities)
      matrix[part] = bits.reshape(-1, columns.size)
    masks[name] = matrix.reshape(shape)
  decoder.check_end()
  return masks


def _chunks(rows, columns):
  """Yields slices of rows and the probabilities of their bits.

  The odds of a bit are those of its row times those of its column, over those
  of the whole matrix.
  """
  row_odds = _odds(rows, columns.size)[:, np.newaxis]
  relative_odds = _odds(columns, rows.size) / _odds(
      rows.sum(), rows.size * columns.size
  )
  rows_per_chunk = max(1, _CHUNK // columns.size)
  for start in range(0, rows.size, rows_per_chunk):
    part = slice(start, start + rows_per_chunk)
    odds = row_odds[part] * relative_odds
    yield part, (odds / (1 + odds)).ravel()


def _odds(count, size):
  # A count of none or all is not quite certain, so that odds stay finite.
  return (count + 1 / 64) / (size - count + 1 / 64)


MASK_DECODERS = {'marginals': _decode_marginals, 'lzma': _decode_lzma}


def decode_masks(
    code: str, data: bytes, shapes: Mapping[str, Sequence[int]]
) -> Dict[str, np.ndarray]:
  """Undoes `encode_masks`.

  Args:
    code: A name in `MASK_DECODERS`.
    data: The bytes.
    shapes: The shapes of the masks by the name of the layer.

  Returns:
    Bool arrays by the name of the layer.

  Raises:
    ValueError: If the bytes are not masks of these shapes.
  """
  return MASK_DECODERS[code](data, shapes)
