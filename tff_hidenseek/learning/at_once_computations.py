"""What runs at a cohort whose clients train at once.

Each client's upload is what it would be alone, but for the order in which a
product adds up floats.
"""

import collections
from typing import Any, Callable, Optional

import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import cohort_computations
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import cohort_work
from tff_hidenseek.learning import random_seeds


def build_at_once_computations(
    build_work: Callable[[], cohort_work.CohortWork],
    read_upload: Callable[[Any], Any],
    message_type: tff.Type,
    data_type: tff.Type,
    *,
    is_weighted: bool,
    seed: int,
    forge_upload: Optional[attacks.Forger] = None,
    compiled: bool = False,
) -> cohort_computations.CohortComputations:
  """Builds what `build_cohort_computations` builds, for clients at once.

  Args:
    build_work: Makes a cohort's work.
    read_upload: Maps an upload to the tensors that are averaged.
    message_type: The type of what the server broadcasts.
    data_type: The type of a cohort's data.
    is_weighted: Whether clients count by their numbers of examples.
    seed: The experiment's seed.
    forge_upload: The method's.
    compiled: Whether XLA compiles the training.

  Returns:
    The computations.
  """

  def train(
      work: cohort_work.CohortWork, message: Any, data: cohort_data.Cohort
  ) -> Any:
    return work.train(
        message['content'],
        data,
        _client_seeds(seed, random_seeds.Purpose.SHUFFLE, message, data),
        compiled,
    )

  @tff.tensorflow.computation(message_type, data_type)
  def update(message: Any, data: cohort_data.Cohort) -> Any:
    work = build_work()

    @tf.function(autograph=False)
    def run() -> Any:
      trained, losses = train(work, message, data)
      uploads = work.make_uploads(
          trained,
          _client_seeds(seed, random_seeds.Purpose.VOTE, message, data),
          message['round_num'],
      )
      if forge_upload is not None:
        uploads = cohort_work.map_clients(
            lambda one: forge_upload(one[0], message, one[1]),
            (uploads, data['client_id']),
        )
      sizes = tf.cast(data['size'], tf.float32)
      weights = sizes if is_weighted else None
      num_clients = tf.size(data['size'], out_type=tf.int64)
      received = client_work.num_bytes(message)
      return collections.OrderedDict(
          decoded=cohort_work.sum_clients(
              work.read_uploads(read_upload, uploads), weights
          ),
          weight=tf.reduce_sum(sizes)
          if is_weighted
          else tf.cast(num_clients, tf.float32),
          totals=collections.OrderedDict(
              loss=tf.reduce_sum(losses * sizes),
              num_examples=tf.reduce_sum(sizes),
              num_clients=tf.cast(num_clients, tf.float32),
              bytes_up=client_work.num_bytes(
                  [uploads, [sizes] if is_weighted else []]
              ),
              bytes_down=num_clients * received,
          ),
      )

    return run()

  @tff.tensorflow.computation(message_type, data_type, data_type)
  def train_and_count_correct(
      message: Any,
      train_data: cohort_data.Cohort,
      test_data: cohort_data.Cohort,
  ) -> Any:
    work = build_work()

    @tf.function(autograph=False)
    def run() -> Any:
      trained, _ = train(work, message, train_data)
      return collections.OrderedDict(
          num_correct=work.count_correct(trained, train_data, test_data),
          num_examples=tf.cast(test_data['size'], tf.int64),
      )

    return run()

  return cohort_computations.CohortComputations(update, train_and_count_correct)


def _client_seeds(
    seed: int,
    purpose: random_seeds.Purpose,
    message: Any,
    data: cohort_data.Cohort,
) -> tf.Tensor:
  """Returns `random_seeds.client_seed` of each client, `int64[clients, 2]`."""
  return random_seeds.client_seed(
      seed, purpose, message['round_num'], data['client_id'][:, tf.newaxis]
  )
