"""What a device trains with: NumPy and LiteRT's interpreter, nothing else.

It runs what `trainable.convert_trainable` made. Nothing here imports
TensorFlow.
"""

import json
import re
import sys
import time
from typing import Any, Dict, Tuple

import numpy as np

from tff_hidenseek.data import npz_files
from tff_hidenseek import files

_LEFT_OUT = -1


class DeviceClient:
  """Trains on its own examples from each message of the server."""

  def __init__(
      self,
      interpreter: Any,
      x: np.ndarray,
      y: np.ndarray,
      learning_rate: float,
      num_epochs: int,
      seed: int,
  ):
    """Initializes the client.

    Args:
      interpreter: LiteRT's `Interpreter` with the trainable file.
      x: Images, float32[n, height, width, channels].
      y: Labels, int32[n], each the number of a class.
      learning_rate: Step size.
      num_epochs: Epochs over the examples in a round.
      seed: Shuffles the examples.
    """
    if not len(x) or len(x) != len(y):
      raise ValueError(
          '`x` and `y` must have the same length, at least 1, found '
          f'{len(x)} and {len(y)}.'
      )
    infer = interpreter.get_signature_runner('infer')
    num_classes = infer.get_output_details()['logits']['shape'][-1]
    wrong = y[(y < 0) | (y >= num_classes)]
    if wrong.size:
      raise ValueError(
          f'`y` must hold labels in [0, {num_classes}), found {wrong[0]}.'
      )
    self._train = interpreter.get_signature_runner('train')
    self._set_tally = interpreter.get_signature_runner('set_tally')
    self._get_votes = interpreter.get_signature_runner('get_votes')
    self._batch_size = self._train.get_input_details()['x']['shape'][0]
    self._x = x
    self._y = y
    self._learning_rate = np.float32(learning_rate)
    self._num_epochs = num_epochs
    self._seed = seed
    self._step_seconds = []

  @property
  def message_bytes(self) -> int:
    """How many bytes the server's message has."""
    return int(self._set_tally.get_input_details()['tally']['shape'][0])

  def run_round(self, message: bytes, round_num: int) -> bytes:
    """Trains from the server's scores.

    The same arguments give the same votes, whatever was trained before.

    Args:
      message: The tally of the votes, two to a byte.
      round_num: The number of the round, which shuffles the examples.

    Returns:
      This client's votes, eight to a byte.
    """
    if len(message) != self.message_bytes:
      raise ValueError(
          f'`message` must have {self.message_bytes} bytes, found '
          f'{len(message)}.'
      )
    self._set_tally(tally=np.frombuffer(message, np.uint8))
    seeds = np.random.SeedSequence([self._seed, round_num])
    rng = np.random.Generator(np.random.Philox(seeds))
    for _ in range(self._num_epochs):
      order = rng.permutation(len(self._y))
      for start in range(0, len(order), self._batch_size):
        self._step(order[start : start + self._batch_size])
    return self._get_votes()['votes'].tobytes()

  def _step(self, chosen: np.ndarray) -> None:
    """Takes a step on the chosen examples, filled up to a whole batch."""
    x = np.zeros([self._batch_size, *self._x.shape[1:]], np.float32)
    y = np.full([self._batch_size], _LEFT_OUT, np.int32)
    x[: len(chosen)] = self._x[chosen]
    y[: len(chosen)] = self._y[chosen]
    start = time.perf_counter()
    self._train(x=x, y=y, learning_rate=self._learning_rate)
    self._step_seconds.append(time.perf_counter() - start)

  def report(self) -> Dict[str, Any]:
    """Returns what training cost this process, and what it imported."""
    return {
        'steps': len(self._step_seconds),
        'median_step_ms': 1e3 * float(np.median(self._step_seconds)),
        'peak_memory_mib': _peak_memory_mib(),
        'has_tensorflow': 'tensorflow' in sys.modules,
    }

  def write_report(self, path: str) -> None:
    """Writes the report as JSON."""
    files.write_atomically(path, json.dumps(self.report()).encode())


def read_examples(path: str) -> Tuple[np.ndarray, np.ndarray]:
  """Reads the images and labels, `x` and `y`, of a .npz file."""
  arrays = npz_files.read_arrays(path, ('x', 'y'))
  return arrays['x'], arrays['y']


def _peak_memory_mib() -> float:
  # Not getrusage: it counts what the parent had before this program started.
  with open('/proc/self/status', encoding='utf-8') as status:
    return int(re.search(r'VmHWM:\s*(\d+) kB', status.read()).group(1)) / 1024
