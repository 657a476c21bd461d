"""What clients of HideNseek vote, and their own models."""

import functools

from absl.testing import parameterized
import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tests.learning import tiny_task
from tff_hidenseek.algorithms.hidenseek import hidenseek
from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.layers import class_prior
from tff_hidenseek.learning import client_data
from tff_hidenseek.learning import losses
from tff_hidenseek.models import layer_sets
from tff_hidenseek.runtimes import in_process

_ABSENT_CLASS = 1
_NUM_VOTERS = 400


def setUpModule():
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=2)
  )


@functools.lru_cache(maxsize=None)
def _build(**choices):
  """Builds clients of 27 weights, all kept, that descend a plain gradient."""
  options = dict(
      density=1.0,
      pruning_iterations=1,
      client_optimizer='sgd',
      client_learning_rate=5.0,
      broadcast='float32',
      personal_step='full',
  )
  return hidenseek.build_hidenseek(
      tiny_task.make_task(tiny_task.build_linear),
      hidenseek_options.HideNSeekOptions(**{**options, **choices}),
  )


def _make_skewed_client(size=12):
  return tiny_task.make_client(size, 0, classes=(0, 2))


def _read_scores(model):
  (layer,) = layer_sets.prunable_layers(model)
  return layer.scores.numpy()


def _find_moves(algorithm, client):
  """Returns how far a client's scores go."""
  start = algorithm.process.initialize()
  personal = algorithm.build_personal_model(start, None, client)
  return _read_scores(personal) - start.algorithm['scores']


@functools.lru_cache(maxsize=None)
def _vote_on_moves(vote_range, upload_coding='bits'):
  """Returns moves of one step, and the mean vote of clients who make them."""
  rate = 2.0**-10  # Too little for a score to reach 1.
  algorithm = _build(
      votes='moves',
      vote_range=vote_range,
      upload_coding=upload_coding,
      server_learning_rate=rate,
  )
  data = _make_skewed_client()
  x, y = data['x'].numpy(), data['y'].numpy()
  clients = [
      client_data.make_client_data(x, y, i) for i in range(_NUM_VOTERS)
  ]
  start = algorithm.process.initialize()
  scores = algorithm.process.next(start, clients).state.algorithm['scores']
  mean_votes = (scores - start.algorithm['scores']) / rate
  return _find_moves(algorithm, data), mean_votes


class MovesTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters('bits', 'entropy')
  def test_within_the_range_votes_are_unbiased(self, upload_coding):
    vote_range = 2.0
    moves, mean_votes = _vote_on_moves(vote_range, upload_coding)
    self.assertAllLess(np.abs(moves), vote_range)
    self.assertGreater(np.abs(moves).max(), vote_range / 4)
    self.assertAllClose(
        mean_votes, moves / vote_range, rtol=0, atol=4 / _NUM_VOTERS**0.5
    )

  def test_beyond_the_range_votes_are_certain(self):
    moves, mean_votes = _vote_on_moves(1e-4)
    self.assertGreater(np.count_nonzero(moves), 9)
    moved = np.abs(moves) > 1e-4
    self.assertAllClose(mean_votes[moved], np.sign(moves[moved]))

  def test_a_weight_that_did_not_move_votes_by_a_fair_coin(self):
    moves, mean_votes = _vote_on_moves(1e-4)
    self.assertEqual(np.count_nonzero(moves == 0), 9)  # Of the absent class.
    self.assertAllInRange(mean_votes[moves == 0], -0.2, 0.2)
    self.assertGreater(np.abs(mean_votes[moves == 0]).max(), 0)

  def test_the_server_steps_by_its_rate_times_the_mean_vote(self):
    algorithm = _build(
        votes='moves', vote_range=0.25, server_learning_rate=0.125,
        client_learning_rate=1000.0,
    )
    start = algorithm.process.initialize()
    client = _make_skewed_client()
    scores = algorithm.process.next(start, [client]).state.algorithm['scores']
    before = start.algorithm['scores']
    moves = _find_moves(algorithm, client)
    moved = np.abs(moves) > 0.25
    self.assertGreater(np.count_nonzero(moved), 9)
    self.assertAllClose(
        scores[moved],
        np.clip(before + 0.125 * np.sign(moves), -1, 1)[moved],
    )


class ClassPriorTest(tf.test.TestCase):

  def test_it_trains_no_score_of_an_absent_class(self):
    for has_prior in (False, True):
      moves = _find_moves(_build(class_prior=has_prior), _make_skewed_client())
      moves = moves.reshape(9, tiny_task.NUM_CLASSES)
      self.assertEqual(moves[:, _ABSENT_CLASS].any(), not has_prior)
      self.assertTrue(moves[:, 0].any())

  def test_a_client_s_own_model_never_predicts_an_absent_class(self):
    test = tiny_task.make_client(200, 5)
    algorithm = _build()
    start = algorithm.process.initialize()
    client = _make_skewed_client()
    personal = algorithm.build_personal_model(start, None, client)
    shared = algorithm.build_global_model(start)
    self.assertIn(_ABSENT_CLASS, tf.argmax(shared(test['x']), axis=1))
    self.assertNotIn(_ABSENT_CLASS, tf.argmax(personal(test['x']), axis=1))
    # Nor when it is evaluated.
    absent = client_data.make_client_data(
        test['x'].numpy(), np.full(200, _ABSENT_CLASS), 5
    )
    (count,) = algorithm.evaluate_personal(start, [client], [absent])
    self.assertEqual(count['num_correct'], 0)

  def test_it_holds_the_frequencies_of_the_client_s_classes(self):
    algorithm = _build()
    client = _make_skewed_client()
    model = algorithm.build_personal_model(
        algorithm.process.initialize(), None, client
    )
    self.assertAllClose(
        tf.exp(model.get_layer('class_prior').log_prior),
        np.bincount(client['y'], minlength=3) / 12,
    )

  def test_only_personal_models_have_it(self):
    for has_prior in (False, True):
      algorithm = _build(class_prior=has_prior)
      start = algorithm.process.initialize()
      personal = algorithm.build_personal_model(
          start, None, _make_skewed_client()
      )
      shared = algorithm.build_global_model(start)
      for model, expected in ((personal, has_prior), (shared, False)):
        self.assertEqual(
            isinstance(model.layers[-1], class_prior.ClassPrior), expected
        )


class PersonalStepTest(tf.test.TestCase):

  def _move(self, client, **choices):
    return _find_moves(_build(**choices), client)

  def test_by_skew_it_is_the_part_of_the_full_step(self):
    client = _make_skewed_client()
    skew = losses.label_skew(losses.log_class_prior(client['y'], 3))
    self.assertBetween(skew, 0.3, 0.6)
    full = self._move(client)
    self.assertNotAllEqual(full, np.zeros(27))
    self.assertAllClose(
        self._move(client, personal_step='skew'), skew * full, atol=1e-5
    )

  def test_by_skew_a_client_of_equally_frequent_classes_stays(self):
    data = tiny_task.make_client(6, 0)
    client = client_data.make_client_data(
        data['x'].numpy(), np.array([0, 1, 2, 2, 1, 0]), 0
    )
    self.assertAllClose(
        self._move(client, personal_step='skew'), np.zeros(27), atol=1e-5
    )
    self.assertGreater(np.abs(self._move(client)).max(), 0.1)


if __name__ == '__main__':
  tf.test.main()
