"""Clients' data as files, read where the client runs.

With many hosts it is the clients' names that are sent in every round, not their
data: each host holds the files, and the computation that reads them comes first
in what it is sent.
"""

import collections
import os
import re
from typing import Any, Callable, Mapping, Optional, Sequence

import attrs
import numpy as np
import numpy.typing as npt
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek import files
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import federated_algorithm

_SUFFIX = '.tfexample'
_FEATURES = {
    key: tf.io.FixedLenFeature([], tf.string) for key in ('x', 'y', 'client_id')
}


def write_client_file(
    folder: str, name: str, client: Mapping[str, tf.Tensor]
) -> None:
  """Writes one client's data as a `tf.train.Example`, whole or not at all.

  Args:
    folder: The folder, which exists.
    name: What the client is called from then on.
    client: The client's data (see `client_data`).
  """

  def bytes_feature(tensor: tf.Tensor, dtype: str) -> tf.train.Feature:
    array = np.asarray(tensor, dtype)
    return tf.train.Feature(
        bytes_list=tf.train.BytesList(value=[array.tobytes()])
    )

  example = tf.train.Example(
      features=tf.train.Features(
          feature={
              'x': bytes_feature(client['x'], '<f4'),
              'y': bytes_feature(client['y'], '<i4'),
              'client_id': bytes_feature(client['client_id'], '<i4'),
          }
      )
  )
  files.write_atomically(
      os.path.join(folder, name + _SUFFIX), example.SerializeToString()
  )


def build_client_reader(
    folder: str, input_shape: Sequence[int]
) -> tff.Computation:
  """Builds the computation from a client's name to its data.

  Args:
    folder: The folder with the clients' files on the host that runs it.
    input_shape: Shape `[height, width, channels]` of one image.

  Returns:
    A `tff.tensorflow.computation` from a string to a client's data.
  """

  @tff.tensorflow.computation(np.str_)
  def read_client(name: tf.Tensor) -> Any:
    path = tf.strings.join([folder, os.sep, name, _SUFFIX])
    features = tf.io.parse_single_example(tf.io.read_file(path), _FEATURES)
    x = tf.io.decode_raw(features['x'], tf.float32)
    return collections.OrderedDict(
        x=tf.reshape(x, [-1, *input_shape]),
        y=tf.io.decode_raw(features['y'], tf.int32),
        client_id=tf.io.decode_raw(features['client_id'], tf.int32)[0],
    )

  return read_client


def build_cohort_reader(
    folder: str, input_shape: Sequence[int]
) -> tff.Computation:
  """Builds the computation from the names of a cohort's clients to its data.

  Args:
    folder: As for `build_client_reader`.
    input_shape: Shape `[height, width, channels]` of one image.

  Returns:
    A `tff.tensorflow.computation` from `string[?]` to a cohort's data (see
    `cohort_data`).
  """

  @tff.tensorflow.computation(tff.TensorType(np.str_, [None]))
  def read_cohort(names: tf.Tensor) -> Any:
    paths = tf.strings.join([folder, os.sep, names, _SUFFIX])
    features = tf.io.parse_example(
        tf.map_fn(tf.io.read_file, paths), _FEATURES
    )
    # The clients' bytes one after another are those of the whole cohort.
    joined = {key: tf.strings.reduce_join(features[key]) for key in features}
    size = tf.strings.length(features['y']) // np.dtype(np.int32).itemsize
    x = tf.io.decode_raw(joined['x'], tf.float32)
    return collections.OrderedDict(
        x=tf.reshape(x, [-1, *input_shape]),
        y=tf.io.decode_raw(joined['y'], tf.int32),
        first=tf.cumsum(size, exclusive=True),
        size=size,
        client_id=tf.io.decode_raw(joined['client_id'], tf.int32),
    )

  return read_cohort


class NamePool:
  """What a `cohort_data.Pool` offers, of examples that are in files.

  Attributes:
    common_size: How many examples each client has, if all have as many.
  """

  def __init__(
      self, name_client: Callable[[int], str], sizes: Sequence[int]
  ) -> None:
    """Initializes the pool.

    Args:
      name_client: Maps a client's place to its name.
      sizes: How many examples each client has.
    """
    self._name_client = name_client
    self.common_size = cohort_data.find_common_size(sizes)

  def select(
      self, places: Sequence[int], client_ids: Sequence[int], copy: bool = False
  ) -> npt.NDArray[np.str_]:
    """Returns the names of a cohort's clients, whose numbers are in files."""
    del client_ids, copy
    return np.array([self._name_client(place) for place in places])


def find_missing_file(message: str) -> Optional[str]:
  """Returns the client's file that an error says is missing, if any."""
  found = re.search(
      rf'([^\s:]+{re.escape(_SUFFIX)}); No such file or directory', message
  )
  return found and found.group(1)


def read_clients(
    algorithm: federated_algorithm.FederatedAlgorithm,
    folder: str,
    input_shape: Sequence[int],
) -> federated_algorithm.FederatedAlgorithm:
  """Returns an algorithm that is given clients' names instead of their data.

  Args:
    algorithm: The algorithm.
    folder: As for `build_client_reader`.
    input_shape: Shape `[height, width, channels]` of one image.

  Returns:
    The algorithm, whose computations start by reading the clients' data.
  """
  read_client = build_client_reader(folder, input_shape)
  read_cohort = build_cohort_reader(folder, input_shape)
  build_cohorts = algorithm.build_cohort_algorithm

  def build_cohort_algorithm(
      **arguments: Any,
  ) -> federated_algorithm.CohortAlgorithm:
    assert build_cohorts is not None
    built = build_cohorts(**arguments)
    return federated_algorithm.CohortAlgorithm(
        next=_read_first(built.next, read_cohort),
        evaluate_personal=_read_first(built.evaluate_personal, read_cohort),
    )

  process = algorithm.process
  return attrs.evolve(
      algorithm,
      process=tff.templates.IterativeProcess(
          process.initialize, _read_first(process.next, read_client)
      ),
      evaluate=_read_first(algorithm.evaluate, read_client),
      evaluate_personal=_read_first(algorithm.evaluate_personal, read_client),
      build_cohort_algorithm=build_cohorts and build_cohort_algorithm,
  )


def _read_first(
    computation: tff.Computation, reader: tff.Computation
) -> tff.Computation:
  """Returns a computation that is given names where another is given data."""
  data_type = tff.FederatedType(reader.type_signature.result, tff.CLIENTS)
  name_type = tff.FederatedType(reader.type_signature.parameter, tff.CLIENTS)
  parameters = list(computation.type_signature.parameter)
  are_data = [data_type.is_equivalent_to(p) for p in parameters]

  @tff.federated_computation([
      name_type if is_data else parameter
      for is_data, parameter in zip(are_data, parameters)
  ])
  def composed(arguments: Any) -> Any:
    return computation(*[
        tff.federated_map(reader, argument) if is_data else argument
        for is_data, argument in zip(are_data, arguments)
    ])

  return composed
