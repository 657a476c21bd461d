"""A federated algorithm: what it learns, its state, and what can be run of it.

`federated_process` builds one from what its clients and its server do.
"""

import collections
from typing import Any, Callable, Mapping, Optional, Sequence, Union

import attrs
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_sampling
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import cohort_work
from tff_hidenseek.models import layer_sets


@attrs.frozen
class LearningTask:
  """What is learned, whatever the algorithm.

  Attributes:
    build_model: Makes the Keras model that maps images to logits, from the
      layers it is given.
    input_shape: Shape `(height, width, channels)` of one image.
    num_classes: The number of classes.
    seed: The experiment's seed.
    trained_classes: Which classes some training client has examples of,
      `bool[num_classes]`; `None` is all. Where an algorithm's loss leaves the
      others without a gradient, its global model never answers them.
    adversary: Who of the clients is malicious; by default nobody.
    sampling: How a round's clients are drawn; `None` where nothing is proved of
      it, and no sum has a modulus.
  """

  build_model: Callable[[layer_sets.LayerSet], tf.keras.Model]
  input_shape: Sequence[int]
  num_classes: int
  seed: int
  trained_classes: Optional[Sequence[bool]] = None
  adversary: attacks.Adversary = attacks.Adversary()
  sampling: Optional[client_sampling.ClientSampling] = None


@attrs.frozen(eq=False, kw_only=True)
class Method:
  """What an algorithm does at its clients and at its server.

  Attributes:
    initial_state: The algorithm's state at the start: NumPy arrays.
    make_message: Maps the algorithm's state to what is broadcast.
    make_final_message: Maps the algorithm's state to what would be broadcast if
      training ended there, which evaluations use; `make_message` by default.
    build_client: Makes a client's work, with its variables.
    build_cohort_work: Makes the work of all clients of a cohort at once; `None`
      where they train one after another alone.
    aggregation_factory: Aggregates the uploads; a weighted one weights clients
      by their number of examples, which they then send too.
    read_upload: Maps an upload to `float32` tensors whose mean over the clients
      is the aggregate, with which cohorts can be run (see `cohort_process`);
      by default what the aggregation decodes with, if it does. `None` where the
      aggregate is no such mean, or comes of `sum_factory`.
    sum_factory: Aggregates what `read_upload` reads by way of its sum, so that
      it aggregates sums of some clients' just as well; by default what the
      aggregation sums with, if it says so. `None` where the aggregate is the
      mean.
    refine_aggregate: Maps the aggregate and the number of clients, `float32[]`,
      to what `update_server` takes; by default it takes the aggregate.
    forge_upload: What a client that is malicious makes of its upload (see
      `attacks`); `None` where nobody is, or attacks have no meaning.
    update_server: Maps the algorithm's state and the aggregate to the new state
      and a mapping of measurements, scalars by their names.
    layer_densities: Fraction kept of each layer's kernel.
    num_weights: Weights in all kernels.
    initial_client_state: What a client keeps at the start, as NumPy arrays;
      `None` for nothing.
    setup_message: What every client is sent once, as NumPy arrays.
    mechanism: What makes uploads private, as `privacy.accounting` describes it;
      `None` if nothing does.
  """

  initial_state: Any
  make_message: Callable[[Any], Any]
  make_final_message: Callable[[Any], Any] = attrs.field(
      default=attrs.Factory(lambda self: self.make_message, takes_self=True)
  )
  build_client: Callable[[], client_work.ClientWork]
  build_cohort_work: Optional[Callable[[], cohort_work.CohortWork]] = None
  aggregation_factory: Union[
      tff.aggregators.WeightedAggregationFactory,
      tff.aggregators.UnweightedAggregationFactory,
  ]
  read_upload: Optional[Callable[[Any], Any]] = attrs.field(
      default=attrs.Factory(
          lambda self: getattr(self.aggregation_factory, 'decode', None),
          takes_self=True,
      )
  )
  sum_factory: Optional[tff.aggregators.UnweightedAggregationFactory] = (
      attrs.field(
          default=attrs.Factory(
              lambda self: getattr(
                  self.aggregation_factory, 'sum_factory', None
              ),
              takes_self=True,
          )
      )
  )
  refine_aggregate: Optional[Callable[[Any, tf.Tensor], Any]] = None
  forge_upload: Optional[attacks.Forger] = None
  update_server: Callable[[Any, Any], Any]
  layer_densities: Mapping[str, float]
  num_weights: int
  initial_client_state: Optional[Any] = None
  setup_message: Any = ()
  mechanism: Any = None

  @property
  def is_weighted(self) -> bool:
    """Whether clients count by their numbers of examples."""
    return isinstance(
        self.aggregation_factory, tff.aggregators.WeightedAggregationFactory
    )

  @property
  def is_stateful(self) -> bool:
    """Whether clients keep something between rounds."""
    return self.initial_client_state is not None


@attrs.frozen
class ServerState:
  """What the server keeps from round to round.

  Attributes:
    round_num: How many rounds have been run, `int32[]`.
    algorithm: The algorithm's own state.
    aggregator: The state of the aggregation process.
  """

  round_num: Any
  algorithm: Any
  aggregator: Any


@attrs.frozen
class StatefulClientsOutput:
  """The result of a round whose clients keep state.

  Attributes:
    state: The server's state.
    client_states: What each client keeps.
    metrics: The round's metrics.
  """

  state: Any
  client_states: Any
  metrics: Any


@attrs.frozen(eq=False)
class CohortAlgorithm:
  """An algorithm of which every value at the clients is a whole cohort.

  Attributes:
    next: Computation from a state and the cohorts' data (see `cohort_data`) to
      a `tff.learning.templates.LearningProcessOutput`.
    evaluate_personal: Computation from a state, the cohorts' training and their
      test data to `num_correct` and `num_examples` of every client's own model
      after local training, `int64[clients]` for each cohort.
  """

  next: tff.Computation
  evaluate_personal: tff.Computation


@attrs.frozen(eq=False)
class FederatedAlgorithm:
  """An algorithm, ready to be run round by round.

  Attributes:
    process: A `tff.learning.templates.LearningProcess` with `next(state,
      client_data)`; or, where clients keep state, a
      `tff.templates.IterativeProcess` with `next(state, client_states,
      client_data)`, which returns a `StatefulClientsOutput`.
    evaluate: Computation from a state and shards of examples at the clients to
      `num_correct` and `num_examples` of the global model, summed.
    evaluate_personal: Computation from a state, the client states (if any), the
      clients' training and their test examples to the `num_correct` and
      `num_examples` of every client's own model after local training.
    count_received: Computation from a state to the bytes that the round's
      message is for a client; or, where clients keep state, from a state and
      client states to those that it is for these clients together.
    initial_client_state: What a client keeps before its first round, as NumPy
      arrays; `None` where clients keep nothing.
    build_global_model: Makes the global Keras model of a state.
    build_personal_model: Makes the Keras model of a client, after its local
      training, from a state, the client's state (`None` where clients keep
      nothing) and its training data.
    setup_message: What a client is sent once, before its first round, as NumPy
      arrays.
    num_weights: Weights in all kernels of the model, kept or not.
    layer_densities: Fraction of its weights that each layer keeps.
    measurements: Names of the algorithm's own scalars in a round's metrics.
    build_cohort_algorithm: Makes the same algorithm over cohorts, on the same
      states, for clients that all have `train_size` and `test_size` examples
      (`None` by default: see `cohort_process`); `None` where it runs client by
      client alone.
    trains_at_once: Whether it may be made with `training='at_once'`.
    mechanism: What makes uploads private, as `privacy.accounting` describes it;
      `None` if nothing does.
  """

  process: Union[
      tff.learning.templates.LearningProcess, tff.templates.IterativeProcess
  ]
  evaluate: tff.Computation
  evaluate_personal: tff.Computation
  count_received: tff.Computation
  initial_client_state: Any
  build_global_model: Callable[[ServerState], tf.keras.Model]
  build_personal_model: Callable[[ServerState, Any, Any], tf.keras.Model]
  setup_message: Any
  num_weights: int
  layer_densities: collections.OrderedDict[str, float]
  measurements: Sequence[str] = ()
  build_cohort_algorithm: Optional[Callable[..., CohortAlgorithm]] = None
  trains_at_once: bool = False
  mechanism: Any = None
