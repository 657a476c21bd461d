"""What a client of HideNseek does: it trains scores, and votes on them."""

import collections

import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import ballot as ballot_lib
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms.hidenseek import pruned_network
from tff_hidenseek.algorithms import vote_broadcasts
from tff_hidenseek.learning import client_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import losses
from tff_hidenseek.models import layer_sets


class SignMaskClientWork(client_work.GradientClientWork):
  """Trains the scores of a sign-masked model."""

  def __init__(
      self,
      task: federated_algorithm.LearningTask,
      options: hidenseek_options.HideNSeekOptions,
      network: pruned_network.PrunedNetwork,
      ballot: ballot_lib.Ballot,
  ):
    model = task.build_model(layer_sets.SignMaskedLayers(network.num_kept))
    super().__init__(model, options)
    self._network = network
    self._ballot = ballot
    self._layers = layer_sets.prunable_layers(model)
    private = hidenseek_options.private_layer_names(
        options, [x.name for x in self._layers]
    )
    self._shared = [x for x in self._layers if x.name not in private]
    self._private = [x for x in self._layers if x.name in private]

  def start(self, message, client_state):
    self._receive(message, client_state)
    for layer in self._layers:
      layer.set_frozen(
          self._network.kept_positions[layer.name],
          self._network.kept_weights[layer.name],
          self._received[layer.name],
      )

  def prepare(self, message):
    self.start(message, ())

  def restart(self, message):
    # The frozen weights are there already, and the scores were decoded.
    self._optimizer.reset()
    for layer in self._layers:
      layer.assign_scores(self._received[layer.name])

  def _receive(self, message, client_state):
    sizes = [self._network.num_kept[layer.name] for layer in self._shared]
    broadcast = vote_broadcasts.VOTE_BROADCASTS[self._options.broadcast]
    scores = broadcast.decode(message, sum(sizes))
    self._received = dict(
        zip([layer.name for layer in self._shared], tf.split(scores, sizes)),
        **(client_state or {}),
    )

  def after_step(self):
    for layer in self._layers:
      layer.update_kernel()

  def personalize(self, data, seed):
    loss = self.train(data, seed)
    if self._options.personal_step == 'skew':
      num_classes = self.model.output_shape[-1]
      skew = losses.label_skew(losses.log_class_prior(data['y'], num_classes))
      for layer in self._layers:
        received = self._received[layer.name]
        layer.assign_scores(received + skew * (layer.scores - received))
    return loss

  def make_upload(self, seed):
    options = self._options
    scores = tf.concat([layer.scores for layer in self._shared], axis=0)
    if options.votes == 'moves':
      received = [self._received[layer.name] for layer in self._shared]
      scores = (scores - tf.concat(received, axis=0)) / options.vote_range
    return self._ballot.fill_in(scores, seed, self.round_num)

  def make_client_state(self):
    if not self._private:
      return ()
    return collections.OrderedDict(
        (layer.name, layer.scores) for layer in self._private
    )
