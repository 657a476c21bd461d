"""Tests of when rounds end, and of what a kill leaves of them."""

import os
import shutil
from unittest import mock

from absl.testing import absltest
import numpy as np

from tests.on_device import counting_federation
from tff_hidenseek.on_device import protocol
from tff_hidenseek.on_device import rounds as rounds_lib
from tff_hidenseek.on_device import vote_collection

_VOTE = protocol.VOTE


class _Clock:

  def __init__(self):
    self.seconds = 0.0

  def __call__(self):
    return self.seconds


class _RoundsTestCase(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self.clock = _Clock()
    self.said = []

  def _open(self, folder=None, quorum=2, num_clients=3, num_rounds=9):
    self.learner = counting_federation.CountingLearner()
    return rounds_lib.Rounds(
        folder or self.create_tempdir().full_path,
        self.learner,
        vote_collection.PlainVotes(counting_federation.NUM_VOTES),
        rounds_lib.RoundRules(num_clients, quorum, num_rounds, 10.0),
        lambda result: self.said.append(result.sentence),
        self.clock,
    )

  def _vote(self, rounds, client, number=None):
    rounds.take(client)
    number = number or rounds.number
    votes = counting_federation.draw_votes(client, number)
    rounds.give(client, number, _VOTE, counting_federation.pack(votes))

  def _refusal(self, function, *arguments):
    with self.assertRaises(protocol.Refusal) as caught:
      function(*arguments)
    return caught.exception.status, caught.exception.sentence


class RoundsTest(_RoundsTestCase):

  def test_ends_at_once_when_all_have_voted(self):
    rounds = self._open()
    for client in range(3):
      self.assertEqual(rounds.number, 1)
      self._vote(rounds, client)
    self.assertEqual(rounds.number, 2)
    expected = sum(
        counting_federation.draw_votes(c, 1).astype(int) for c in range(3)
    )
    np.testing.assert_array_equal(self.learner.totals, expected)
    self.assertEqual(
        self.said, ['round 1: 160 bytes down and 3 up, a client; 3 votes']
    )

  def test_quorum_is_enough_once_time_is_out(self):
    rounds = self._open()
    self._vote(rounds, 0)
    self._vote(rounds, 1)
    self.clock.seconds = 9.9
    rounds.tick()
    self.assertEqual(rounds.number, 1)
    self.clock.seconds = 10.0
    rounds.tick()
    self.assertEqual((rounds.number, self.learner.num_voters), (2, [2]))

  def test_less_than_the_quorum_teaches_nothing_and_the_next_round_opens(self):
    rounds = self._open()
    self._vote(rounds, 0)
    self.clock.seconds = 10.0
    rounds.tick()
    self.assertEqual((rounds.number, rounds.num_learned), (2, 0))
    self.assertEqual(self.learner.num_voters, [])
    self.assertEqual(
        self.said,
        [
            'round 1: nothing learned, 1 of at least 2 clients gave their vote '
            'within 10 seconds.'
        ],
    )
    self.assertEqual(
        self._refusal(self._vote, rounds, 1, 1),
        (
            409,
            'Round 1 has ended: 1 of at least 2 clients gave their vote within '
            '10 seconds.',
        ),
    )

  def test_vote_after_the_time_is_late_though_nobody_looked_at_the_clock(self):
    rounds = self._open()
    for client in (0, 1):
      self._vote(rounds, client)
    self.clock.seconds = 10.0
    self.assertEqual(
        self._refusal(self._vote, rounds, 2, 1),
        (409, 'The open round is 2, found round 1.'),
    )
    self.assertEqual(self.learner.num_voters, [2])

  def test_clock_waits_for_the_first_client(self):
    rounds = self._open()
    self.clock.seconds = 1000.0
    rounds.tick()
    self.assertEqual(rounds.number, 1)
    self.assertIsNone(rounds.seconds_left())
    rounds.take(0)
    self.assertEqual(rounds.seconds_left(), 10.0)

  def test_client_that_missed_a_round_is_waited_for_if_it_comes_again(self):
    rounds = self._open()
    for client in (0, 1):
      self._vote(rounds, client)
    self.clock.seconds = 10.0
    rounds.tick()
    for client in (0, 1):  # Round 2, without client 2.
      self._vote(rounds, client)
    self.assertEqual(rounds.number, 3)
    rounds.take(2)
    for client in (0, 1):
      self._vote(rounds, client)
    self.assertEqual(rounds.number, 3)
    self._vote(rounds, 2)
    self.assertEqual(self.learner.num_voters, [2, 2, 3])

  def test_same_vote_again_is_counted_once_and_another_is_refused(self):
    rounds = self._open(quorum=3)
    self._vote(rounds, 0)
    self._vote(rounds, 0)
    self.assertEqual(
        self._refusal(rounds.give, 0, 1, _VOTE, bytes(3)),
        (409, 'Client 0 gave another vote in round 1.'),
    )
    self._vote(rounds, 1)
    self._vote(rounds, 2)
    self.assertEqual(self.learner.num_voters, [3])

  def test_vote_of_another_round_or_length_is_refused(self):
    rounds = self._open()
    self.assertEqual(
        self._refusal(self._vote, rounds, 0, 7),
        (409, 'The open round is 1, found round 7.'),
    )
    self.assertEqual(
        self._refusal(rounds.give, 0, 1, _VOTE, bytes(4)),
        (400, 'A vote of this round has 3 bytes, found 4.'),
    )

  def test_after_the_last_round_votes_are_refused(self):
    rounds = self._open(num_rounds=1)
    for client in range(3):
      self._vote(rounds, client)
    self.assertTrue(rounds.is_over)
    self.assertEqual(
        self._refusal(self._vote, rounds, 0),
        (410, 'The federation has ended after 1 rounds.'),
    )

  def test_restart_goes_on_where_time_was_running(self):
    folder = self.create_tempdir().full_path
    rounds = self._open(folder)
    self._vote(rounds, 0)
    self._vote(rounds, 1)
    rounds.close_files()
    rounds = self._open(folder)
    self.clock.seconds = 10.0
    rounds.tick()
    self.assertEqual((rounds.number, self.learner.num_voters), (2, [2]))

  def test_full_disk_at_the_end_of_a_round_counts_its_votes_once(self):
    rounds = self._open()
    self._vote(rounds, 0)
    self._vote(rounds, 1)
    with mock.patch.object(os, 'replace', side_effect=OSError(28, 'full')):
      with self.assertRaisesRegex(OSError, 'full'):
        self._vote(rounds, 2)
    self.assertEqual(self.learner.num_voters, [])
    self.clock.seconds = 10.0
    rounds.tick()
    self.assertEqual(self.learner.num_voters, [3])


class KilledAnywhereTest(_RoundsTestCase):
  """Every state of the disk that a kill can leave goes on to the same sum."""

  def _run(self, rounds, told):
    """Lets three clients vote in two rounds; notes who was told so."""
    while not rounds.is_over:
      for client in range(3):
        number = rounds.number
        if number > 2:
          return
        self._vote(rounds, client)
        told.add((client, number))

  def test_no_vote_is_lost_or_counted_twice(self):
    folder = self.create_tempdir().full_path
    disks = []
    told = set()

    def snapshot():
      copy = os.path.join(self.create_tempdir().full_path, 'copy')
      shutil.copytree(folder, copy)
      disks.append((copy, set(told)))

    def spied(function):
      def call(*arguments, **options):
        snapshot()
        result = function(*arguments, **options)
        snapshot()
        return result
      return call

    with mock.patch.object(os, 'fsync', spied(os.fsync)), mock.patch.object(
        os, 'replace', spied(os.replace)
    ), mock.patch.object(os, 'write', spied(os.write)):
      self._run(self._open(folder, num_rounds=2), told)
    expected = sum(
        counting_federation.draw_votes(client, number).astype(int)
        for client in range(3)
        for number in (1, 2)
    )
    self.assertGreater(len(disks), 40)
    for disk, told_by_then in disks:
      rounds = self._open(disk, num_rounds=2)
      held = {
          (client, rounds.number)
          for client in rounds._answers[_VOTE]
      }
      lost = {
          vote for vote in told_by_then
          if vote[1] >= rounds.number and vote not in held
      }
      self.assertEmpty(lost)
      self._run(rounds, set())
      rounds.close_files()
      np.testing.assert_array_equal(self.learner.totals, expected)
      self.assertEqual(self.learner.num_voters, [3, 3])


if __name__ == '__main__':
  absltest.main()
