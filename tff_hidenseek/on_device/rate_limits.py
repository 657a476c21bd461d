"""How many requests a second one client or one address may make."""

import collections
import math
import time
from typing import Callable, Hashable

_MAX_KEYS = 10_000


class RateLimits:
  """A bucket of tokens for each key: full at first, and refilled steadily."""

  def __init__(
      self,
      per_second: float,
      burst: int,
      now: Callable[[], float] = time.monotonic,
  ):
    """Initializes the limits.

    Args:
      per_second: Requests a second in the long run, above 0.
      burst: Requests at once, at least 1.
      now: Returns seconds.
    """
    self._per_second = per_second
    self._burst = burst
    self._now = now
    # The tokens that were left, and when; the key used last is the last.
    self._buckets: 'collections.OrderedDict' = collections.OrderedDict()

  def seconds_to_wait(self, key: Hashable) -> int:
    """Takes a token; returns 0, or the whole seconds until there is one."""
    now = self._now()
    tokens, then = self._buckets.pop(key, (self._burst, now))
    tokens = min(self._burst, tokens + (now - then) * self._per_second)
    is_allowed = tokens >= 1
    self._buckets[key] = (tokens - is_allowed, now)
    if len(self._buckets) > _MAX_KEYS:
      self._buckets.popitem(last=False)
    if is_allowed:
      return 0
    return math.ceil((1 - tokens) / self._per_second)
