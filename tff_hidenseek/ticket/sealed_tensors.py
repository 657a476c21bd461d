"""Named arrays in one file, in the layout of safetensors, sealed by a hash.

The layout is eight bytes with the length of the header, the header (JSON), and
the arrays one after the other. The last array is the SHA-256 of all bytes
before it. Any reader of safetensors can open the file; `unpack` is for files
that come from strangers: every size is checked before anything is made of it.
"""

import hashlib
import json
from typing import Any, Dict, Mapping, NamedTuple, Tuple

import numpy as np

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 1 << 16
_HASH_NAME = 'sha256'
_HASH_BYTES = 32
_DTYPES = {'U8': np.dtype('u1'), 'F32': np.dtype('<f4')}
_METADATA = '__metadata__'


class TicketError(ValueError):
  """A ticket that is damaged, hostile or of another version."""


class SealedTensors(NamedTuple):
  """What a file holds.

  Attributes:
    metadata: Strings by name.
    tensors: One-dimensional uint8 or float32 arrays by name.
  """

  metadata: Mapping[str, str]
  tensors: Mapping[str, np.ndarray]


def pack(content: SealedTensors) -> bytes:
  """Returns the bytes of a file with this content."""
  names = {dtype: name for name, dtype in _DTYPES.items()}
  header: Dict[str, Any] = {_METADATA: dict(content.metadata)}
  payload = b''
  hash_tensor = np.zeros(_HASH_BYTES, np.uint8)  # Replaced below.
  for name, tensor in [*content.tensors.items(), (_HASH_NAME, hash_tensor)]:
    start = len(payload)
    payload += tensor.tobytes()
    header[name] = {
        'dtype': names[tensor.dtype],
        'shape': list(tensor.shape),
        'data_offsets': [start, len(payload)],
    }
  text = json.dumps(header, separators=(',', ':')).encode()
  text += b' ' * (-len(text) % _LENGTH_BYTES)
  length = len(text).to_bytes(_LENGTH_BYTES, 'little')
  return seal(length + text + payload)


def seal(data: bytes) -> bytes:
  """Returns a file's bytes with the hash at their end made right."""
  body = data[:-_HASH_BYTES]
  return body + hashlib.sha256(body).digest()


def unpack(data: bytes) -> SealedTensors:
  """Reads the bytes of a file.

  Args:
    data: The whole file.

  Returns:
    Its content, without the hash.

  Raises:
    TicketError: If anything is not exactly as `pack` writes it.
  """
  if len(data) < _LENGTH_BYTES + _HASH_BYTES:
    raise TicketError(f'The file is cut short: {len(data)} bytes.')
  if data != seal(data):
    raise TicketError(
        'The SHA-256 at the end is not that of the file: it is damaged, or '
        'not a ticket.'
    )
  header_bytes = int.from_bytes(data[:_LENGTH_BYTES], 'little')
  available = len(data) - _LENGTH_BYTES - _HASH_BYTES
  if header_bytes > min(_MAX_HEADER_BYTES, available):
    raise TicketError(
        f'The header must have at most {min(_MAX_HEADER_BYTES, available)} '
        f'bytes, found {header_bytes}.'
    )
  header = _parse_header(data[_LENGTH_BYTES : _LENGTH_BYTES + header_bytes])
  metadata = header.pop(_METADATA, None)
  if not isinstance(metadata, dict) or not all(
      isinstance(value, str) for value in metadata.values()
  ):
    raise TicketError(f'`{_METADATA}` must map names to strings.')
  payload = memoryview(data)[_LENGTH_BYTES + header_bytes :]
  tensors = {}
  end = 0
  for name, entry in header.items():
    dtype, start, end = _check_entry(name, entry, end, len(payload))
    tensors[name] = np.frombuffer(payload[start:end], dtype)
  if end != len(payload) or list(tensors)[-1:] != [_HASH_NAME]:
    raise TicketError(f'The arrays must end with `{_HASH_NAME}`.')
  del tensors[_HASH_NAME]
  return SealedTensors(metadata, tensors)


def _parse_header(text: bytes) -> Dict[str, Any]:
  """Parses the JSON; its values may still be anything."""

  def refuse_duplicates(pairs):
    result = dict(pairs)
    if len(result) < len(pairs):
      raise TicketError('The header names something twice.')
    return result

  try:
    header = json.loads(
        text.decode('utf-8'), object_pairs_hook=refuse_duplicates
    )
  except TicketError:
    raise
  except (ValueError, RecursionError) as error:
    raise TicketError(f'The header is not JSON: {error}.') from error
  if not isinstance(header, dict):
    raise TicketError('The header must be a JSON object.')
  return header


def _check_entry(
    name: str, entry: Any, start: int, payload_bytes: int
) -> Tuple[np.dtype, int, int]:
  """Checks one array of the header; returns its dtype, start and end."""
  keys = {'dtype', 'shape', 'data_offsets'}
  if not isinstance(entry, dict) or set(entry) != keys:
    raise TicketError(f'Array {name!r} must have {", ".join(sorted(keys))}.')
  if not isinstance(entry['dtype'], str) or entry['dtype'] not in _DTYPES:
    raise TicketError(
        f'The dtype of array {name!r} must be one of {", ".join(_DTYPES)}.'
    )
  dtype = _DTYPES[entry['dtype']]
  for key, length in (('shape', 1), ('data_offsets', 2)):
    numbers = entry[key]
    if (
        not isinstance(numbers, list)
        or len(numbers) != length
        or any(type(number) is not int for number in numbers)  # Nor a bool.
    ):
      raise TicketError(f'`{key}` of array {name!r} must be {length} integers.')
  size = entry['shape'][0]
  end = start + size * dtype.itemsize
  if size < 0 or end > payload_bytes or entry['data_offsets'] != [start, end]:
    raise TicketError(
        f'Array {name!r} must follow the one before it and fit the file.'
    )
  return dtype, start, end
