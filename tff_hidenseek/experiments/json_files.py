"""JSON that a run wrote, read back; a damaged file is told in a sentence."""

import json
import os
from typing import Any, Dict, Mapping, Optional


def read(path: str, kinds: Mapping[str, type]) -> Optional[Dict[str, Any]]:
  """Reads a file of one object; `None` if there is none. See `parse`."""
  if not os.path.exists(path):
    return None
  with open(path, 'rb') as file:
    return parse(file.read(), path, kinds)


def parse(
    content: bytes, path: str, kinds: Mapping[str, type]
) -> Dict[str, Any]:
  """Parses an object.

  Args:
    content: The JSON text, in UTF-8.
    path: The file it is from, for errors.
    kinds: The types of the values that it must have, by their names.

  Returns:
    The object.

  Raises:
    ValueError: If it is no strict JSON, no object, or lacks such a value.
  """
  try:
    value = json.loads(content.decode(), parse_constant=_refuse)
    if not isinstance(value, dict):
      raise ValueError('no object')
    for name, kind in kinds.items():
      if not isinstance(value.get(name), kind):
        raise ValueError(f'no {kind.__name__} `{name}`')
  except (ValueError, RecursionError) as error:
    raise ValueError(
        f'{path}: must be what a run wrote, found a damaged file ({error}).'
    ) from error
  return value


def _refuse(constant: str) -> None:
  raise ValueError(f'{constant}, which is no JSON')
