"""How many inputs are tried, and what each may end in.

`make fuzz` tries 10,000, `make test` a few of them; the same ones every time.
"""

import os
import re
from typing import Any, Callable

from absl import flags
import hypothesis
from hypothesis import strategies as st

NUM_INPUTS = int(os.environ.get('FUZZ_INPUTS', '300'))
# Per thousand; where an input takes longer there are fewer.
SHARES = dict(
    flag_files=450,
    options=50,
    npz_files=240,
    partition_files=130,
    image_folders=80,
    run_folders=40,
    checkpoints=10,
)
# What a command tells its user in one line, checkpoints' errors among them.
_TOLD = (ValueError, OSError, flags.Error)
# What absl says of a flag: its name and value, and what is wrong with it.
_OF_ABSL = re.compile(r'(flag --\w+=.*: .+|Unknown command line flag .+)')
_ARGUMENT = re.compile(r'`[^`]+`')


def fuzz(kind: str, strategy: st.SearchStrategy):
  """Makes a test of a check on one input.

  Args:
    kind: A key of `SHARES`.
    strategy: The inputs.

  Returns:
    A decorator of a method that takes an input. The test fails as well where
    fewer inputs were tried than there should be.
  """
  wanted = NUM_INPUTS * SHARES[kind] // 1000

  def decorate(check: Callable[[Any, Any], None]):

    def test(self):
      count = 0

      @hypothesis.settings(
          max_examples=wanted,
          suppress_health_check=list(hypothesis.HealthCheck),
          phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
      )
      @hypothesis.given(strategy)
      def run(value):
        nonlocal count
        count += 1
        check(self, value)

      run()
      self.assertGreaterEqual(count, wanted)

    test.__name__ = check.__name__
    return test

  return decorate


def result_or_sentence(
    function: Callable[[], Any], *places: str
) -> Any:
  """Calls a function on a bad or a good input.

  Args:
    function: What a command calls.
    *places: The input's file or folder, which may stand for an argument.

  Returns:
    What the function returns, or `None` where it refuses as it should.

  Raises:
    AssertionError: If it refuses in another way than in one sentence that names
      the argument or the path, the rule and what was found.
  """
  try:
    return function()
  except _TOLD as error:
    text = str(error)
    names = _ARGUMENT.search(text) or any(place in text for place in places)
    is_ours = names and 'must' in text and 'found' in text
    is_one_line = text and len(text.splitlines()) == 1
    if not is_one_line or not (is_ours or _OF_ABSL.search(text)):
      raise AssertionError(
          f'no sentence that helps: {type(error).__name__}: {text!r}'
      ) from error
    return None


def mutated(content: bytes) -> st.SearchStrategy:
  """Returns the strategy of what can befall the bytes of a file."""
  places = st.integers(0, max(len(content) - 1, 0))
  return st.one_of(
      places.map(lambda end: content[:end]),
      st.tuples(places, st.integers(0, 255)).map(
          lambda x: content[: x[0]] + bytes([x[1]]) + content[x[0] + 1 :]
      ),
      st.tuples(places, st.binary(min_size=1, max_size=8)).map(
          lambda x: content[: x[0]] + x[1] + content[x[0] :]
      ),
      st.tuples(places, st.integers(1, 40)).map(
          lambda x: content[: x[0]] + content[x[0] + x[1] :]
      ),
      st.binary(max_size=100),
  )
