"""The form in which a client's data enters a federated computation.

A client's examples are a structure of tensors, not a `tf.data.Dataset`: a
dataset builds an iterator for every client in every round, tensors are only
passed on. `from_dataset` converts what a TFF user already has.
"""

import collections
from typing import Any, Optional, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff


def client_data_type(input_shape: Sequence[int]) -> tff.StructType:
  """Returns the TFF type of one client's examples.

  Args:
    input_shape: Shape `[height, width, channels]` of one image.

  Returns:
    The type `<x=float32[?,height,width,channels],y=int32[?],client_id=int32>`.
  """
  return tff.to_type(
      collections.OrderedDict(
          x=tff.TensorType(np.float32, [None, *input_shape]),
          y=tff.TensorType(np.int32, [None]),
          client_id=tff.TensorType(np.int32),
      )
  )


def make_client_data(
    x: Any, y: Any, client_id: int
) -> collections.OrderedDict[str, tf.Tensor]:
  """Makes one client's examples as tensors.

  Args:
    x: Images, floating `[n, height, width, channels]`, finite. Bytes are not
      taken, since only their owner knows whether his model scales them.
    y: Labels, `int32[n]`.
    client_id: The client's number: every draw of the client is derived from it,
      the seed and the round's number.

  Returns:
    A structure of tensors that `client_data_type` describes.

  Raises:
    ValueError: If the client has no example, or not as many labels as images,
      or the images are not finite floats.
  """
  if not len(x):
    raise ValueError(
        f'A client must have at least one example, found client {client_id} '
        'with none.'
    )
  if len(x) != len(y):
    raise ValueError(
        '`x` and `y` must have the same length, found '
        f'{len(x)} and {len(y)} for client {client_id}.'
    )
  x = np.asarray(x)
  if not tf.as_dtype(x.dtype).is_floating:
    raise ValueError(
        '`x` must hold floats, such as pixels in [0, 1], found '
        f'{x.dtype} for client {client_id}: divide bytes by 255 first.'
    )
  if not np.isfinite(x).all():
    raise ValueError(
        f'`x` must hold finite numbers, found others for client {client_id}.'
    )
  with tf.device('CPU'):
    return collections.OrderedDict(
        x=tf.convert_to_tensor(x, tf.float32),
        y=tf.convert_to_tensor(y, tf.int32),
        client_id=tf.constant(client_id, tf.int32),
    )


def from_dataset(
    dataset: tf.data.Dataset, client_id: int, size: Optional[int] = None
) -> collections.OrderedDict[str, tf.Tensor]:
  """Reads an unbatched dataset of `(x, y)` pairs into one client's data.

  Args:
    dataset: A `tf.data.Dataset` of pairs of an image and its label.
    client_id: The client's number.
    size: How many examples to take; all if `None`.

  Returns:
    A structure of tensors that `client_data_type` describes.
  """
  pairs = list(dataset.take(-1 if size is None else size).as_numpy_iterator())
  x, y = zip(*pairs) if pairs else ((), ())
  return make_client_data(np.asarray(x), np.asarray(y), client_id)
