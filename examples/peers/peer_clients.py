"""What every peer's program does alike: the clients of W2, and its rounds.

It imports nothing of this project, whose packages a peer's environment lacks.
"""

import sys
import time
from typing import Callable, List, Tuple

import numpy as np

NUM_CLIENTS = 200
NUM_EXAMPLES = 50
IMAGE_SIZE = 32 * 32 * 3
NUM_CLASSES = 10
BATCH_SIZE = 10
LEARNING_RATE = 0.1


def make_clients() -> List[Tuple[np.ndarray, np.ndarray]]:
  """Returns for each client its pixels, `float32[50, 3072]`, and labels."""
  rng = np.random.Generator(np.random.Philox(0))
  return [
      (
          rng.random((NUM_EXAMPLES, IMAGE_SIZE), np.float32),
          rng.integers(0, NUM_CLASSES, NUM_EXAMPLES, np.int32),
      )
      for _ in range(NUM_CLIENTS)
  ]


def wait_for_round() -> bool:
  """Waits for the next line; returns whether it asks for a round."""
  return sys.stdin.readline().strip() == 'round'


def tell(word: str) -> None:
  """Writes a line of its own, whatever else a peer prints."""
  print(f'\npeer {word}', flush=True)


def serve(run_round: Callable[[], object]) -> None:
  """Runs a round for every line `round`, and answers with its seconds."""
  run_round()  # Compiles.
  tell('ready')
  while wait_for_round():
    start = time.monotonic()
    run_round()
    tell(str(time.monotonic() - start))
