"""What runs at a cohort: the work of its clients, one after another.

One program trains all clients of a cohort, whose work is the same to the bit as
if each were a value of its own: the same variables, seeds and batches. That
spares what a client costs beside its training, and one sum is sent on for all.
"""

import collections
from typing import Any, Callable, Dict, Optional, TypeVar

import attrs
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_computations
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import local_training

_Folded = TypeVar('_Folded')


@attrs.frozen(eq=False)
class CohortComputations:
  """An algorithm's computations at one cohort.

  Attributes:
    update: From `<message, data>` to the sum over the clients of what the
      server reads in their uploads, times their weights (`decoded`), the sum of
      these `weight`s, and the sum of their `totals`.
    train_and_count_correct: From `<message, train_data, test_data>` to
      `num_correct` and `num_examples` of each client's own model after local
      training, `int64[clients]`.
  """

  update: tff.Computation
  train_and_count_correct: tff.Computation


def build_cohort_computations(
    build_client: Callable[[], client_work.ClientWork],
    read_upload: Callable[[Any], Any],
    message_type: tff.Type,
    data_type: tff.Type,
    client_type: tff.Type,
    *,
    is_weighted: bool,
    seed: int,
    forge_upload: Optional[attacks.Forger] = None,
    train_size: Optional[int] = None,
    test_size: Optional[int] = None,
) -> CohortComputations:
  """Builds the computations of an algorithm at one cohort.

  Args:
    build_client: Makes a client's work, with its variables.
    read_upload: Maps an upload to the tensors that are averaged.
    message_type: The type of what the server broadcasts.
    data_type: The type of a cohort's data.
    client_type: The type of what one client's update gives.
    is_weighted: Whether clients count by their numbers of examples.
    seed: The experiment's seed.
    forge_upload: The method's.
    train_size: How many examples each client trains on, if all have as many.
    test_size: How many it is tested on.

  Returns:
    The computations.
  """
  read_type = tff.tensorflow.computation(
      read_upload, client_type['upload']
  ).type_signature.result
  sum_type = tff.to_type(
      collections.OrderedDict(
          decoded=read_type,
          weight=client_type['weight'],
          totals=client_type['totals'],
      )
  )

  @tff.tensorflow.computation(message_type, data_type)
  def update(message: Any, data: cohort_data.Cohort) -> Any:
    client = build_client()

    def add_client(place: tf.Tensor, sums: Any) -> Any:
      client.restart(message['content'])
      one = client_computations.update_client(
          client,
          message,
          cohort_data.take_client(data, place, train_size),
          sends_weight=is_weighted,
          seed=seed,
          forge_upload=forge_upload,
      )
      weight = one['weight'] if is_weighted else 1.0
      decoded = tf.nest.map_structure(
          lambda x: weight * x, read_upload(one['upload'])
      )
      added = collections.OrderedDict(
          decoded=decoded, weight=weight, totals=one['totals']
      )
      return tf.nest.pack_sequence_as(
          sums,
          [a + b for a, b in zip(*map(tf.nest.flatten, (sums, added)))],
      )

    @tf.function(autograph=False)
    def run() -> Any:
      client.prepare(message['content'])
      zeros = tff.types.structure_from_tensor_type_tree(
          lambda t: tf.zeros(t.shape, t.dtype), sum_type
      )
      return _loop(data, add_client, zeros)

    return run()

  @tff.tensorflow.computation(message_type, data_type, data_type)
  def train_and_count_correct(
      message: Any,
      train_data: cohort_data.Cohort,
      test_data: cohort_data.Cohort,
  ) -> Any:
    client = build_client()

    def test_client(
        place: tf.Tensor, counts: Dict[str, tf.Tensor]
    ) -> Dict[str, tf.Tensor]:
      client.restart(message['content'])
      client_computations.personalize_client(
          client,
          message,
          cohort_data.take_client(train_data, place, train_size),
          seed,
      )
      found = local_training.evaluate(
          client.personal_model,
          cohort_data.take_client(test_data, place, test_size),
      )
      return {
          name: tf.tensor_scatter_nd_update(
              count, [[place]], [found[name]]
          )
          for name, count in counts.items()
      }

    @tf.function(autograph=False)
    def run() -> Any:
      client.prepare(message['content'])
      zeros = tf.zeros(tf.shape(train_data['size']), tf.int64)
      return _loop(
          train_data,
          test_client,
          dict(num_correct=zeros, num_examples=zeros),
      )

    return run()

  return CohortComputations(update, train_and_count_correct)


def _loop(
    data: cohort_data.Cohort,
    visit_client: Callable[[tf.Tensor, _Folded], _Folded],
    start: _Folded,
) -> _Folded:
  """Folds `visit_client` over the clients of a cohort, from a first value."""
  end: _Folded
  _, end = tf.while_loop(
      lambda place, _: place < tf.size(data['size']),
      lambda place, value: (place + 1, visit_client(place, value)),
      (0, start),
      parallel_iterations=1,
  )
  return end
