"""FedAvg (https://arxiv.org/abs/1602.05629), dense float32.

The mean of the clients' weights, weighted by their numbers of examples, is the
new global model: TFF's `tff.aggregators.MeanFactory` over the same round that
every algorithm here runs. `robust_aggregation` has what can take its place.
"""

import collections
from typing import Any, Dict, List

import attrs
import tensorflow as tf

from tff_hidenseek.algorithms import dense_network
from tff_hidenseek.learning import attacks
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import cohort_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import federated_process
from tff_hidenseek.learning import means
from tff_hidenseek.learning import options as options_lib
from tff_hidenseek.learning import robust_aggregation
from tff_hidenseek.models import client_axis
from tff_hidenseek.privacy import options as privacy_options


@attrs.frozen(kw_only=True)
class FedAvgOptions(
    privacy_options.NoisedTrainingOptions, robust_aggregation.RobustMeanOptions
):
  """FedAvg's choices are the local training, the aggregation and privacy."""

  clip_norm: float = options_lib.option(
      1.0,
      'The L2 norm to which a client\'s update is scaled down where the server '
      'adds noise; see noise_multiplier.',
      above=0,
  )

  def __attrs_post_init__(self):
    super().__attrs_post_init__()
    if self.is_central and self.aggregation != 'mean':
      raise ValueError(
          '`aggregation` must be mean where the server adds noise '
          '(`noise_multiplier` or `target_epsilon`), found '
          f'{self.aggregation!r}.'
      )


class DenseClientWork(client_work.GradientClientWork):
  """Trains all weights of a dense model."""

  def start(self, message, client_state):
    del client_state
    for variable, value in zip(self.model.trainable_variables, message):
      variable.assign(value)

  def make_upload(self, seed):
    del seed
    return [v.read_value() for v in self.model.trainable_variables]


class UpdateClientWork(DenseClientWork):
  """Trains all weights of a dense model and uploads how far they moved."""

  def start(self, message, client_state):
    super().start(message, client_state)
    self._received = message

  def make_upload(self, seed):
    return _subtract(super().make_upload(seed), self._received)


class DenseCohortWork(cohort_work.CohortWork):
  """Trains all weights of every client's dense model."""

  def __init__(self, task, options, sends_updates=False):
    super().__init__(task.build_model(client_axis.ClientAxisLayers()), options)
    self._sends_updates = sends_updates

  def start(self, message):
    self._received = list(message)
    return self._received

  def make_uploads(self, trained, seeds, round_num):
    del seeds, round_num
    if self._sends_updates:
      return _subtract(trained, self._received)
    return trained

  def read_uploads(self, read_upload, uploads):
    # What is averaged is what is sent, unless updates are clipped first.
    if self._sends_updates:
      return super().read_uploads(read_upload, uploads)
    return uploads


def _subtract(a: Any, b: Any) -> List[tf.Tensor]:
  return [x - y for x, y in zip(a, b)]


def _add(a: Any, b: Any) -> List[tf.Tensor]:
  return [x + y for x, y in zip(a, b)]


def build_fed_avg(
    task: federated_algorithm.LearningTask, options: FedAvgOptions
) -> federated_algorithm.FederatedAlgorithm:
  """Builds FedAvg from a seeded He-normal model.

  With noise it is DP-FedAvg (https://arxiv.org/abs/1710.06963, Section 2) with
  a fixed clipping norm: every client counts alike, and the sum of their clipped
  updates is divided by the number of clients that is expected.

  Args:
    task: What is learned.
    options: The local training, the aggregation and the noise.

  Returns:
    The algorithm.

  Raises:
    ValueError: If there is noise, and the task does not say how clients are
      drawn, or a target of which the noise is not found yet.
  """
  options.check_noise_is_found()
  network = dense_network.build_dense_network(task)
  is_noised = options.noise_multiplier > 0
  sends_updates = is_noised or options.aggregation == 'clipped'
  client_class = UpdateClientWork if sends_updates else DenseClientWork

  def build_client():
    return client_class(dense_network.build_model(task), options)

  def read_update(received, upload):
    return list(upload) if sends_updates else _subtract(upload, received)

  def write_update(received, update):
    return update if sends_updates else _add(received, update)

  def update_server(state, mean):
    new_state = _add(state, mean) if sends_updates else mean
    return new_state, collections.OrderedDict()

  return federated_process.build_federated_algorithm(
      task,
      federated_algorithm.Method(
          initial_state=network.weights,
          make_message=lambda weights: weights,
          build_client=build_client,
          build_cohort_work=lambda: DenseCohortWork(
              task, options, sends_updates
          ),
          forge_upload=attacks.build_update_forger(
              task.adversary, task.seed, read_update, write_update
          ),
          update_server=update_server,
          layer_densities=network.layer_densities,
          num_weights=network.num_weights,
          **(
              _build_noised_aggregation(task, options)
              if is_noised
              else _build_aggregation(options)
          ),
      ),
  )


def _build_aggregation(options: FedAvgOptions) -> Dict[str, Any]:
  """Returns the parts of the method that aggregate uploads."""
  is_mean = options.aggregation == 'mean'
  return dict(
      aggregation_factory=robust_aggregation.build_mean(options),
      read_upload=(lambda weights: weights) if is_mean else None,
  )


def _build_noised_aggregation(
    task: federated_algorithm.LearningTask, options: FedAvgOptions
) -> Dict[str, Any]:
  """Returns the parts of the method that aggregate updates with noise."""
  # dp-accounting takes a second to be imported.
  from tff_hidenseek.privacy import accounting  # pylint: disable=g-import-not-at-top
  from tff_hidenseek.privacy import noised_sums  # pylint: disable=g-import-not-at-top

  query = noised_sums.SeededNoiseSumQuery(
      options.clip_norm,
      options.noise_multiplier,
      noised_sums.sample_gaussian,
      task.seed,
  )
  return dict(
      aggregation_factory=means.DecodedSumFactory(
          lambda update: noised_sums.clip(update, options.clip_norm),
          noised_sums.build_noised_mean(query, task.sampling),
      ),
      mechanism=accounting.NoisedSums(options.noise_multiplier, task.sampling),
  )
