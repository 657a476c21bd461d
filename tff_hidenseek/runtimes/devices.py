"""Which threads and devices the clients of a round run on."""

import os
from typing import List, Optional, Sequence, Tuple

import tensorflow as tf

# A GPU waits for the host's next op most of the time while it trains one of our
# clients: four at once took half the time a round on an H200, small models and
# large. What an op needs of memory is needed four times.
_CLIENTS_PER_GPU = 4


def place_clients(
    client_threads: Optional[int], client_devices: Optional[Sequence[str]]
) -> Tuple[int, List[str]]:
  """Chooses threads and devices, and sets TensorFlow's threads to suit them.

  On CPUs the clients run in parallel, each with its share of the cores inside
  an op: with as many threads as cores every op runs on one, which is 1.4 times
  faster than one client at a time with all cores inside the op. TensorFlow
  takes such a setting only before its first op; later it stays as it is.

  Args:
    client_threads: Clients to run at a time, at least 1; None means one for
      each core that this process may use, or four for each GPU.
    client_devices: The names of the devices to run clients on, in turn; None
      means all GPUs, or the CPU if there is none.

  Returns:
    The number of threads and the devices' names.

  Raises:
    ValueError: If a number is not positive or a device does not exist.
  """
  num_cores = len(os.sched_getaffinity(0))
  gpus = grow_gpu_memory()
  if client_devices is not None and not any('GPU' in n for n in client_devices):
    gpus = []  # There may be some; these clients do not use them.
  if client_threads is None:
    client_threads = num_cores
    if gpus:
      client_threads = _CLIENTS_PER_GPU * len(client_devices or gpus)
  if client_threads < 1:
    raise ValueError(
        f'`client_threads` must be at least 1, found {client_threads}.'
    )
  try:
    if not gpus:
      tf.config.threading.set_intra_op_parallelism_threads(
          max(1, num_cores // client_threads)
      )
      tf.config.threading.set_inter_op_parallelism_threads(client_threads)
  except RuntimeError:
    pass  # TensorFlow runs already: its settings are its program's choice.

  # From here on TensorFlow is initialised.
  existing = [device.name for device in tf.config.list_logical_devices()]
  if client_devices is None:
    client_devices = [n for n in existing if 'GPU' in n] or ['CPU:0']
  names = [tf.DeviceSpec.from_string(n).to_string() for n in client_devices]
  if not names or not set(names).issubset(existing):
    raise ValueError(
        f'`client_devices` must be among {existing}, found'
        f' {list(client_devices)}.'
    )
  return client_threads, names


def grow_gpu_memory() -> List[tf.config.PhysicalDevice]:
  """Makes TensorFlow take memory on a GPU when it is needed, not all at once.

  It must be called before TensorFlow's first op; later the setting stays as it
  is.

  Returns:
    The GPUs of this machine.
  """
  gpus = tf.config.list_physical_devices('GPU')
  try:
    for gpu in gpus:
      tf.config.experimental.set_memory_growth(gpu, True)
  except (RuntimeError, ValueError):
    pass  # TensorFlow runs already, or the program has divided its GPUs.
  return gpus
