"""What a check of `gpu_check` returns."""

from typing import Any, Dict

import attrs


@attrs.frozen
class Outcome:
  """What a check found.

  Attributes:
    passed: Whether it is as it must be.
    summary: That in a few words.
    numbers: All that was measured, for JSON.
  """

  passed: bool
  summary: str
  numbers: Dict[str, Any]
