"""A round's ballot: which scores are voted on, and how votes travel.

By default all scores are, with one bit each. Here the options of privacy come
together: how a client hides its votes, and how the server adds them up.
"""

import math
from typing import Any, Optional

import tensorflow as tf

from tff_hidenseek.algorithms.hidenseek import hidenseek_options
from tff_hidenseek.algorithms import sign_votes
from tff_hidenseek.layers import sign_ops
from tff_hidenseek.learning import cohort_work
from tff_hidenseek.learning import federated_algorithm
from tff_hidenseek.learning import means
from tff_hidenseek.learning import random_seeds
from tff_hidenseek.learning import robust_aggregation
from tff_hidenseek.privacy import randomized_response
from tff_hidenseek.privacy import secure_votes


class Ballot:
  """The ballots of all rounds of a run.

  Attributes:
    num_votes: How many votes a client casts in a round.
    mechanism: What makes the votes private, for the accounts; `None` if
      nothing does.
  """

  def __init__(
      self,
      num_scores: int,
      options: hidenseek_options.HideNSeekOptions,
      task: federated_algorithm.LearningTask,
  ):
    """Initializes the ballots.

    Args:
      num_scores: The scores that clients share, K.
      options: The method's choices.
      task: What is learned, and by whom.

    Raises:
      ValueError: If there are fewer scores than votes, the task does not say
        how clients are drawn and an option asks for it, or the noise of a
        target is not found yet.
    """
    options.check_noise_is_found()
    if task.sampling is None and (
        options.secure_sum or options.noise_multiplier
    ):
      raise ValueError(
          '`task.sampling` must say how clients are drawn, with '
          '`secure_sum` or `noise_multiplier`, found None.'
      )
    if options.votes_per_round > num_scores:
      raise ValueError(
          f'`votes_per_round` must be at most the {num_scores} kept weights '
          f'that clients share, found {options.votes_per_round}.'
      )
    self._num_scores = num_scores
    self._options = options
    self._task = task
    self.num_votes = options.votes_per_round or num_scores
    self.mechanism = self._find_mechanism()

  @property
  def _num_bits(self) -> int:
    """How many bits a vote takes on its way up."""
    if not self._options.secure_sum:
      return 1
    return secure_votes.bits_per_vote(self._task.sampling.most_clients)

  def _find_mechanism(self) -> Any:
    options = self._options
    if not options.vote_epsilon and not options.noise_multiplier:
      return None
    # dp-accounting takes a second to be imported.
    from tff_hidenseek.privacy import accounting  # pylint: disable=g-import-not-at-top

    if options.vote_epsilon:
      return accounting.RandomizedVotes(options.vote_epsilon, self.num_votes)
    return accounting.NoisedSums(options.noise_multiplier, self._task.sampling)

  def choose(self, round_num: tf.Tensor) -> Optional[tf.Tensor]:
    """Returns which scores a round votes on.

    The draw is from the run's seed and the round: all clients and the server
    make it, and nobody sends it.

    Args:
      round_num: The round, `int32[]`.

    Returns:
      Their places, `int32[num_votes]` in ascending order; `None` for all.
    """
    if self.num_votes == self._num_scores:
      return None
    numbers = tf.random.stateless_uniform(
        [self._num_scores],
        random_seeds.round_seed(
            self._task.seed, random_seeds.Purpose.BALLOT, round_num
        ),
        minval=None,
        maxval=None,
        dtype=tf.int32,
        alg=random_seeds.ALGORITHM,
    )
    return tf.sort(tf.math.top_k(numbers, self.num_votes).indices)

  def select(self, values: tf.Tensor, round_num: tf.Tensor) -> tf.Tensor:
    """Returns of values of all scores, the last axis, those to vote on."""
    chosen = self.choose(round_num)
    return values if chosen is None else tf.gather(values, chosen, axis=-1)

  def fill_in(
      self, scores: tf.Tensor, seed: tf.Tensor, round_num: tf.Tensor
  ) -> tf.Tensor:
    """Casts a client's votes.

    Args:
      scores: What `sign_votes.draw_votes` takes, `float32[num_scores]`.
      seed: The seed of the client's draws, `int64[2]`.
      round_num: The round, `int32[]`.

    Returns:
      What the client sends: a `uint8` vector, eight bits to a byte.
    """
    scores = self.select(scores, round_num)
    options = self._options
    if options.votes != 'signs' and options.upload_coding != 'bits':
      coding = sign_votes.VOTE_CODINGS[options.upload_coding]
      return coding.cast(scores, seed)
    votes = self._draw(scores, seed)
    if options.vote_epsilon:
      votes = randomized_response.randomize(
          votes,
          options.vote_epsilon,
          random_seeds.fold_in(seed, random_seeds.Purpose.RESPONSE),
      )
    return self.write_bits(votes)

  def _draw(self, scores, seed):
    """Draws votes on the scores of the ballot: see `sign_votes.draw_votes`."""
    is_certain = self._options.votes == 'signs'
    return sign_votes.draw_votes(scores, None if is_certain else seed)

  @property
  def has_plain_bits(self) -> bool:
    """Whether a vote is one bit, of which the server makes -1 or +1."""
    options = self._options
    return (
        options.upload_coding == 'bits'
        and not options.secure_sum
        and not options.noise_multiplier
    )

  def fill_in_all(
      self, scores: tf.Tensor, seeds: tf.Tensor, round_num: tf.Tensor
  ) -> tf.Tensor:
    """Casts the votes of many clients: see `fill_in`.

    Args:
      scores: Those of all clients, `float32[clients, num_scores]`.
      seeds: Their seeds, `int64[clients, 2]`.
      round_num: The round, `int32[]`.

    Returns:
      What each client sends, with a leading axis of clients.
    """
    if not self.has_plain_bits or self._options.vote_epsilon:
      return cohort_work.map_clients(
          lambda one: self.fill_in(one[0], one[1], round_num), (scores, seeds)
      )
    scores = self.select(scores, round_num)
    return sign_ops.pack_rows(self._draw(scores, seeds))

  def read_all(self, uploads: tf.Tensor) -> tf.Tensor:
    """Reads uploads of plain bits: votes of -1 and +1, `[clients, K]`."""
    return sign_votes.read_votes(uploads, self.num_votes)

  def write_bits(self, votes: tf.Tensor) -> tf.Tensor:
    """Returns what is sent of votes in bits, `bool[num_votes]`."""
    return secure_votes.widen(votes, self._num_bits)

  def read_bits(self, upload: tf.Tensor) -> tf.Tensor:
    """Undoes `write_bits`."""
    return self._read(upload) > 0

  def _read(self, upload: tf.Tensor) -> tf.Tensor:
    """Returns the votes of an upload as -1 and +1, `float32[num_votes]`."""
    if self._options.secure_sum:
      return secure_votes.read(upload, self.num_votes, self._num_bits)
    coding = sign_votes.VOTE_CODINGS[self._options.upload_coding]
    return coding.read(upload, self.num_votes)

  def build_aggregation(self) -> Any:
    """Returns the factory of aggregations, whose results are mean votes."""
    options, task = self._options, self._task
    if not options.secure_sum and not options.noise_multiplier:
      if options.weight_by_examples:
        factory = sign_votes.SignVoteMeanFactory
      else:
        factory = sign_votes.UnweightedSignVoteMeanFactory
      return factory(self.num_votes, options.upload_coding)

    def decode(upload: tf.Tensor) -> Any:
      return secure_votes.make_record(self._read(upload))

    most_clients = task.sampling.most_clients
    if not options.noise_multiplier:
      return means.DecodedSumFactory(
          decode, secure_votes.SecureVoteMeanFactory(most_clients)
      )
    # It imports dp-accounting too.
    from tff_hidenseek.privacy import discrete_gaussian  # pylint: disable=g-import-not-at-top
    from tff_hidenseek.privacy import noised_sums  # pylint: disable=g-import-not-at-top

    query = noised_sums.SeededNoiseSumQuery(
        # The norm of every client's votes, which nothing need clip.
        math.sqrt(self.num_votes),
        options.noise_multiplier,
        discrete_gaussian.sample,
        task.seed,
        publish=lambda total: total['votes'],
    )
    return means.DecodedSumFactory(
        decode,
        noised_sums.build_noised_mean(
            query,
            task.sampling,
            secure_votes.SecureVoteSumFactory(most_clients)
            if options.secure_sum
            else None,
        ),
    )

  def build_refinement(self) -> Optional[robust_aggregation.VoteRule]:
    """Returns what is done with the mean vote; `None` if it is taken as is."""
    rule = robust_aggregation.build_vote_rule(self._options)
    if not self._options.vote_epsilon:
      return rule
    factor = randomized_response.debias_factor(self._options.vote_epsilon)
    if rule is None:
      return lambda mean, num_clients: factor * mean
    return lambda mean, num_clients: rule(factor * mean, num_clients)
