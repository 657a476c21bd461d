"""The data of a cohort: several clients that are one value at the clients.

The examples of a cohort are ranges of a pool, which may be that of all clients.
A tensor of a pool is passed on and never copied: a client's range of it shares
its memory, so a cohort costs no more than its clients do.
"""

import collections
from typing import Any, Iterable, Mapping, Optional, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import client_work

# The data of a cohort, as `cohort_data_type` describes it.
Cohort = Mapping[str, tf.Tensor]


def cohort_data_type(input_shape: Sequence[int]) -> tff.StructType:
  """Returns the TFF type of a cohort's examples.

  Args:
    input_shape: Shape `[height, width, channels]` of one image.

  Returns:
    The type `<x=float32[?,height,width,channels],y=int32[?],first=int32[?],
    size=int32[?],client_id=int32[?]>`: the pool, and for each client where its
    range begins, how many examples it has and its number.
  """
  examples = client_data.client_data_type(input_shape)
  numbers = tff.TensorType(np.int32, [None])
  return tff.to_type(
      collections.OrderedDict(
          x=examples['x'],
          y=examples['y'],
          first=numbers,
          size=numbers,
          client_id=numbers,
      )
  )


def find_common_size(sizes: Iterable[int]) -> Optional[int]:
  """Returns the size that all have, `None` where they have not the same."""
  found = set(sizes)
  return found.pop() if len(found) == 1 else None


class Pool:
  """The examples of many clients, one client's after another's."""

  def __init__(self, x: Any, y: Any, sizes: Sequence[int]):
    """Makes the tensors of the pool.

    Args:
      x: Images, `float32[n, height, width, channels]`.
      y: Labels, `int32[n]`.
      sizes: How many of them each client has, in the order of the clients.

    Raises:
      ValueError: If a client has no example, the sizes do not add up to the
        examples, or an image is not finite.
    """
    if 0 in sizes:
      raise ValueError(
          'A client must have at least one example, found client '
          f'{list(sizes).index(0)} of the pool with none.'
      )
    if not len(x) == len(y) == sum(sizes):
      raise ValueError(
          f'`sizes` must add up to the number of examples, found {sum(sizes)} '
          f'for {len(x)} images and {len(y)} labels.'
      )
    if not np.isfinite(x).all():
      raise ValueError('`x` must hold finite numbers, found others.')
    with tf.device('CPU'):
      self._x = tf.convert_to_tensor(x, tf.float32)
      self._y = tf.convert_to_tensor(y, tf.int32)
    self._sizes = np.array(sizes, np.int32)
    self._first = np.cumsum(self._sizes, dtype=np.int32) - self._sizes

  @property
  def common_size(self) -> Optional[int]:
    """How many examples each client has, if all have as many."""
    return find_common_size(self._sizes.tolist())

  def keep_on(self, device: str) -> None:
    """Keeps the images on a device, where cohorts share them."""
    with tf.device(device):
      self._x = tf.identity(self._x)

  @property
  def num_bytes(self) -> int:
    """What the images take of memory."""
    return 4 * int(np.prod(self._x.shape))

  def select(
      self,
      places: Sequence[int],
      client_ids: Sequence[int],
      copy: bool = False,
  ) -> Cohort:
    """Returns a cohort's data.

    Args:
      places: Which clients of the pool are the cohort.
      client_ids: Their numbers (see `client_data`).
      copy: Whether to copy their examples out of the pool: what goes to another
        program or device must not take those of all clients with it.
    """
    first, size = self._first[list(places)], self._sizes[list(places)]
    x, y = self._x, self._y
    if copy:
      shares = [slice(start, start + n) for start, n in zip(first, size)]
      with tf.device('CPU'):
        x, y = (tf.concat([z[i] for i in shares], axis=0) for z in (x, y))
      first = np.cumsum(size, dtype=np.int32) - size
    return collections.OrderedDict(
        x=x,
        y=y,
        first=first,
        size=size,
        client_id=np.asarray(client_ids, np.int32),
    )


def make_cohort(clients: Sequence[client_work.Data]) -> Cohort:
  """Makes one cohort of clients, whose examples are copied.

  Args:
    clients: The data of each (see `client_data`), at least one.

  Returns:
    A structure of tensors that `cohort_data_type` describes.
  """
  pool = Pool(
      np.concatenate([client['x'] for client in clients]),
      np.concatenate([client['y'] for client in clients]),
      [len(client['y']) for client in clients],
  )
  ids = [int(client['client_id']) for client in clients]
  return pool.select(range(len(clients)), ids)


def take_client(
    cohort: Cohort, place: tf.Tensor, num_examples: Optional[int] = None
) -> client_work.Data:
  """Returns the data of one client of a cohort (see `client_data`).

  Args:
    cohort: The data of the cohort, tensors.
    place: Which client, `int32[]`.
    num_examples: How many examples the client has, where that is known before.
  """
  first = cohort['first'][place]
  examples = slice(first, first + cohort['size'][place])
  x, y = cohort['x'][examples], cohort['y'][examples]
  if num_examples is not None:
    x = tf.ensure_shape(x, [num_examples, *x.shape[1:]])
    y = tf.ensure_shape(y, [num_examples])
  return collections.OrderedDict(x=x, y=y, client_id=cohort['client_id'][place])
