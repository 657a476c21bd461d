"""A client's pass over its own examples: shuffled minibatches, then evaluation.

Plain TensorFlow without placements, for use inside a `tf.function`. The loops
are `tf.while_loop`s: AutoGraph would take longer to rewrite the Python code of
a client's work than to trace it.
"""

import collections
from typing import Any, Callable, Mapping, Tuple, TypeVar, Union

import tensorflow as tf

from tff_hidenseek.learning import random_seeds

# Large enough to use the processor well, small enough that the activations of
# the largest model stay below a few hundred MiB.
_EVALUATION_BATCH_SIZE = 250
# Of a client of known size, that are traced in a row: tracing takes time.
_MOST_STEPS = 10

_Number = Union[int, tf.Tensor]
_State = TypeVar('_State', bound=Tuple[Any, ...])


def run_epochs(
    step_fn: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    data: Mapping[str, tf.Tensor],
    seed: tf.Tensor,
    *,
    num_epochs: int,
    batch_size: int,
) -> tf.Tensor:
  """Runs `step_fn` on every minibatch of every epoch.

  The last batch of an epoch is smaller where `batch_size` does not divide the
  number of examples; no example is dropped.

  Args:
    step_fn: Takes a batch `x, y`, trains on it and returns its mean loss.
    data: The client's data (see `client_data`). If the number of examples is
      known when this is traced, it may be faster.
    seed: Seed of the epochs' shuffles, `int64[2]`.
    num_epochs: How often every example is seen.
    batch_size: Examples a step.

  Returns:
    The mean loss over all examples and epochs, `float32[]`.
  """
  num_examples = tf.shape(data['y'])[0]

  def train_epoch(
      epoch: _Number, loss_sum: tf.Tensor
  ) -> Tuple[_Number, tf.Tensor]:
    order = tf.random.experimental.stateless_shuffle(
        tf.range(num_examples),
        random_seeds.fold_in(seed, epoch),
        alg=random_seeds.ALGORITHM,
    )

    def train_batch(
        start: _Number, loss_sum: tf.Tensor
    ) -> Tuple[_Number, tf.Tensor]:
      chosen = order[start : start + batch_size]
      loss = step_fn(tf.gather(data['x'], chosen), tf.gather(data['y'], chosen))
      size = tf.cast(tf.size(chosen), tf.float32)
      return start + batch_size, loss_sum + loss * size

    _, loss_sum = loop(
        lambda start, _: start < loop_end, train_batch, (0, loss_sum)
    )
    return epoch + 1, loss_sum

  loop, loop_end = _choose_loop(data, batch_size, num_epochs)
  _, loss_sum = (_loop_in_python if num_epochs == 1 else loop)(
      lambda epoch, _: epoch < num_epochs, train_epoch, (0, 0.0)
  )
  return loss_sum / tf.cast(num_examples * num_epochs, tf.float32)


def _choose_loop(
    data: Mapping[str, tf.Tensor], batch_size: int, num_epochs: int
) -> Tuple[Callable[..., Any], _Number]:
  """Returns how to loop over batches, and where an epoch ends.

  A loop costs a small client as much as a step or two (docs/performance.md). So
  a few steps, of a client whose size is known, are traced in a row.
  """
  size = data['y'].shape[0]
  if size is None or num_epochs * -(-size // batch_size) > _MOST_STEPS:
    return tf.while_loop, tf.shape(data['y'])[0]
  return _loop_in_python, size


def _loop_in_python(
    is_needed: Callable[..., bool], body: Callable[..., _State], state: _State
) -> _State:
  """Does what `tf.while_loop` does, one trace of the body for every turn."""
  while is_needed(*state):
    state = body(*state)
  return state


def evaluate(
    logits_fn: Callable[[tf.Tensor], tf.Tensor], data: Mapping[str, tf.Tensor]
) -> collections.OrderedDict[str, tf.Tensor]:
  """Counts how many examples a model classifies correctly.

  Args:
    logits_fn: Maps images to logits, `float32[n, num_classes]`.
    data: The client's data (see `client_data`); it may be empty.

  Returns:
    `num_correct` and `num_examples`, each `int64[]`.
  """
  num_examples = tf.shape(data['y'])[0]

  def count_batch(
      start: tf.Tensor, num_correct: tf.Tensor
  ) -> Tuple[tf.Tensor, tf.Tensor]:
    batch = slice(start, start + _EVALUATION_BATCH_SIZE)
    predicted = tf.argmax(
        logits_fn(data['x'][batch]), axis=-1, output_type=tf.int32
    )
    # Not `==`, which compares objects in the graphs that TFF builds.
    correct = tf.equal(predicted, data['y'][batch])
    return (
        start + _EVALUATION_BATCH_SIZE,
        num_correct + tf.math.count_nonzero(correct),
    )

  loop, loop_end = _choose_loop(data, _EVALUATION_BATCH_SIZE, 1)
  _, num_correct = loop(
      lambda start, _: start < loop_end,
      count_batch,
      (0, tf.constant(0, tf.int64)),
  )
  return collections.OrderedDict(
      num_correct=num_correct, num_examples=tf.cast(num_examples, tf.int64)
  )
