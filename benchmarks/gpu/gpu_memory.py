"""The memory that TensorFlow holds on a GPU."""

import contextlib
import gc
from typing import Callable, Iterator, Optional

import tensorflow as tf


@contextlib.contextmanager
def peak_memory(device: str) -> Iterator[Callable[[str], Optional[float]]]:
  """Gives what returns the `current` and `peak` MiB that a GPU holds.

  The peak is that since the start of the `with`. A CPU's are None.

  Args:
    device: The device's name.

  Yields:
    A function of `current` or `peak`.
  """
  is_gpu = 'GPU' in device
  if is_gpu:
    tf.config.experimental.reset_memory_stats(device)

  def get_memory(kind):
    if not is_gpu:
      return None
    gc.collect()  # What Python still holds in circles is not in use.
    return tf.config.experimental.get_memory_info(device)[kind] / 2**20

  yield get_memory


def grows(device: str) -> Optional[bool]:
  """Returns whether TensorFlow takes a GPU's memory as it is needed.

  Args:
    device: The device's name, such as `GPU:0`.

  Returns:
    False if it has taken all at once; None of a CPU.
  """
  if 'GPU' not in device:
    return None
  gpus = tf.config.list_physical_devices('GPU')
  index = int(device.rpartition(':')[2])
  return bool(tf.config.experimental.get_memory_growth(gpus[index]))
