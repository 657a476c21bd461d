"""What the clients of a cohort do in one round, all of them at once.

Every weight has a leading axis of clients, so that a step of all of them is one
set of kernels: what a GPU wants, which else waits for the program.
"""

import abc
from typing import Any, Callable, List, Optional, Sequence, Tuple

import tensorflow as tf

from tff_hidenseek.learning import cohort_batches
from tff_hidenseek.learning import cohort_data
from tff_hidenseek.learning import losses
from tff_hidenseek.learning import optimizer_steps
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.models import client_axis

# Of all clients of a cohort together.
_EVALUATION_BATCH_SIZE = 4096

Tensors = Sequence[tf.Tensor]


class CohortWork(abc.ABC):
  """The work of a cohort on one model; what a `GradientClientWork` does of one.

  Tensors of clients have a leading axis of them.

  Attributes:
    model: A model of `client_axis.ClientAxisLayers`.
  """

  def __init__(
      self,
      model: tf.keras.Model,
      options: options_lib.LocalTrainingOptions,
  ) -> None:
    """Initializes the work.

    Args:
      model: The model to train.
      options: The options of the algorithm.
    """
    self.model = model
    self._options = options
    self._optimizer = optimizer_steps.OPTIMIZER_STEPS[options.client_optimizer](
        options.client_learning_rate, options.client_momentum
    )

  @abc.abstractmethod
  def start(self, message: Any) -> List[tf.Tensor]:
    """Returns what every client trains, without an axis of them."""

  def make_weights(self, trained: Tensors) -> Tensors:
    """Returns the weights of the model from what is trained."""
    return trained

  @abc.abstractmethod
  def make_uploads(
      self, trained: Tensors, seeds: tf.Tensor, round_num: tf.Tensor
  ) -> Any:
    """Returns what the clients send.

    Args:
      trained: What `train` returned.
      seeds: A seed for each, `int64[clients, 2]`.
      round_num: The round that uploads are for, `int32[]`.
    """

  def read_uploads(
      self, read_upload: Callable[[Any], Any], uploads: Any
  ) -> Any:
    """Returns what the server reads in each upload.

    Args:
      read_upload: Reads one.
      uploads: What `make_uploads` returned.
    """
    return map_clients(read_upload, uploads)

  def personalize(
      self, trained: List[tf.Tensor], log_prior: tf.Tensor
  ) -> List[tf.Tensor]:
    """Maps what was trained to what the client's own models are made from.

    Args:
      trained: What `train` returned.
      log_prior: What `losses.log_class_prior` is of each client.
    """
    del log_prior
    return trained

  def train(
      self,
      message: Any,
      data: cohort_data.Cohort,
      seeds: tf.Tensor,
      compiled: bool = False,
  ) -> Tuple[List[tf.Tensor], tf.Tensor]:
    """Trains all clients on their own data.

    Args:
      message: What the server broadcasts.
      data: The data of the cohort.
      seeds: The seeds of their shuffles, `int64[clients, 2]`.
      compiled: Whether by XLA.

    Returns:
      What has been trained, and each client's mean loss, `float32[clients]`.
    """
    batches = cohort_batches.shuffle_batches(
        data, seeds, self._options.num_epochs, self._options.batch_size
    )
    prior = self._find_prior(data) if self._options.class_prior else None
    train = tf.function(
        self._run_steps, autograph=False, jit_compile=compiled or None
    )
    num_clients = tf.size(data['size'])
    trained, loss_sum = train(
        [
            tf.tile(x[tf.newaxis], [num_clients, *[1] * len(x.shape)])
            for x in self.start(message)
        ],
        data['x'],
        batches.rows,
        batches.labels,
        batches.weights,
        prior,
    )
    num_seen = tf.reduce_sum(batches.weights, axis=[1, 2])
    return trained, loss_sum / num_seen

  def _run_steps(
      self,
      trained: List[tf.Tensor],
      x: tf.Tensor,
      rows: tf.Tensor,
      labels: tf.Tensor,
      weights: tf.Tensor,
      prior: Optional[tf.Tensor],
  ) -> Tuple[List[tf.Tensor], tf.Tensor]:
    """Takes all steps; returns what is trained and sums of losses."""
    slots = [
        [tf.zeros_like(t) for _ in range(self._optimizer.num_slots)]
        for t in trained
    ]

    def step(
        index: tf.Tensor,
        trained: List[tf.Tensor],
        slots: List[List[tf.Tensor]],
        loss_sum: tf.Tensor,
    ) -> Tuple[Any, ...]:
      batch_weights = weights[:, index]
      sizes = tf.reduce_sum(batch_weights, axis=1)
      with tf.GradientTape() as tape:
        tape.watch(trained)
        logits = self._apply(
            self.make_weights(trained), x, rows[:, index], prior
        )
        entropies = _cross_entropies(logits, labels[:, index])
        sums = tf.reduce_sum(entropies * batch_weights, axis=1)
        # Each client has its own mean, and so its own gradient.
        loss = tf.reduce_sum(sums / tf.maximum(sizes, 1))
      gradients = tape.gradient(loss, trained)
      stepped = [
          self._optimizer.apply(*args, tf.cast(index + 1, tf.float32))
          for args in zip(trained, slots, gradients)
      ]
      new = [weight for weight, _ in stepped]
      if self._optimizer.num_slots:
        # Who has no batch any more is through, and its slots are of no use.
        # Without slots a gradient of zero changes nothing.
        new = [
            tf.where(_align(sizes > 0, old), x, old)
            for old, x in zip(trained, new)
        ]
      slots = [list(new_slots) for _, new_slots in stepped]
      return index + 1, new, slots, loss_sum + sums

    _, trained, _, loss_sum = tf.while_loop(
        lambda index, *_: index < tf.shape(rows)[1],
        step,
        (0, list(trained), slots, tf.zeros_like(weights[:, 0, 0])),
        parallel_iterations=1,
    )
    return trained, loss_sum

  def count_correct(
      self,
      trained: List[tf.Tensor],
      train_data: cohort_data.Cohort,
      test_data: cohort_data.Cohort,
  ) -> tf.Tensor:
    """Tests the clients' own models.

    Args:
      trained: What `train` returned.
      train_data: What it was trained on.
      test_data: The same clients' test examples.

    Returns:
      How many each classifies correctly, `int64[clients]`.
    """
    log_prior = self._find_prior(train_data)
    own_weights = self.make_weights(self.personalize(trained, log_prior))
    prior = log_prior if self._options.class_prior else None
    num_clients = tf.size(test_data['size'])
    batches = cohort_batches.ordered_batches(
        test_data, tf.maximum(_EVALUATION_BATCH_SIZE // num_clients, 1)
    )

    def count_batch(
        index: tf.Tensor, num_correct: tf.Tensor
    ) -> Tuple[tf.Tensor, tf.Tensor]:
      rows = batches.rows[:, index]
      logits = self._apply(own_weights, test_data['x'], rows, prior)
      is_correct = tf.equal(
          tf.argmax(logits, axis=-1), batches.labels[:, index]
      ) & (batches.weights[:, index] > 0)
      return index + 1, num_correct + tf.math.count_nonzero(is_correct, axis=1)

    _, num_correct = tf.while_loop(
        lambda index, _: index < tf.shape(batches.rows)[1],
        count_batch,
        (0, tf.zeros([num_clients], tf.int64)),
        parallel_iterations=1,
    )
    return num_correct

  def _apply(
      self,
      weights: Tensors,
      x: tf.Tensor,
      rows: tf.Tensor,
      prior: Optional[tf.Tensor],
  ) -> tf.Tensor:
    """Returns the logits of rows, `float32[clients, batch, classes]`."""
    images = tf.gather(x, tf.reshape(rows, [-1]))
    logits = client_axis.apply(self.model, weights, images)
    logits = tf.reshape(
        logits, [tf.shape(rows)[0], tf.shape(rows)[1], logits.shape[-1]]
    )
    return logits if prior is None else logits + prior[:, tf.newaxis]

  def _find_prior(self, data: cohort_data.Cohort) -> tf.Tensor:
    """Returns what `losses.log_class_prior` is of each client."""
    whole = cohort_batches.ordered_batches(data, tf.reduce_max(data['size']))
    return losses.log_class_prior(
        whole.labels[:, 0],
        self.model.output_shape[-1],
        whole.weights[:, 0],
    )


def map_clients(function: Callable[[Any], Any], values: Any) -> Any:
  """Applies a function of one client to all, one after another."""
  one = tf.nest.map_structure(
      lambda x: tf.TensorSpec(x.shape[1:], x.dtype), values
  )
  results = (
      tf.function(function, autograph=False)
      .get_concrete_function(one)
      .structured_outputs
  )
  return tf.map_fn(
      function,
      values,
      fn_output_signature=tf.nest.map_structure(
          lambda x: tf.TensorSpec(x.shape, x.dtype), results
      ),
  )


def sum_clients(values: Any, weights: Optional[tf.Tensor] = None) -> Any:
  """Sums values over the clients, times their weights `[clients]` if given."""

  def add(x: tf.Tensor) -> tf.Tensor:
    # Not as a product of matrices, which a GPU takes with fewer bits.
    return tf.reduce_sum(
        x if weights is None else _align(weights, x) * x, axis=0
    )

  return tf.nest.map_structure(add, values)


def _cross_entropies(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
  """Returns the loss of each example, `float32[clients, batch]`."""
  # TensorFlow's function would compare shapes at run time.
  losses_of_all, _ = tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(
      features=tf.reshape(logits, [-1, logits.shape[-1]]),
      labels=tf.reshape(labels, [-1]),
  )
  return tf.reshape(losses_of_all, tf.shape(labels))


def _align(of_clients: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
  """Reshapes numbers of clients so that they broadcast against `x`."""
  return tf.reshape(of_clients, [-1, *[1] * (len(x.shape) - 1)])
