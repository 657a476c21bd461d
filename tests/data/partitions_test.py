import time
import unittest

import hypothesis
from hypothesis import strategies
import numpy as np

from tff_hidenseek.data import partitions

_LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 600))
_WRITERS = np.random.default_rng(1).integers(0, 60, len(_LABELS))


def _build(name, num_clients, labels=_LABELS, seed=0, **options):
  return partitions.build_partition(
      name, labels, num_clients, seed=seed, **options)


def _pooled(partition):
  """Returns each client's examples, to train and to test on."""
  return [
      np.concatenate(pair)
      for pair in zip(partition.train_indices, partition.test_indices)
  ]


def _class_shares(partition, labels=_LABELS):
  """Returns the share of every class among each client's examples."""
  counts = np.array([
      np.bincount(labels[indices], minlength=10)
      for indices in _pooled(partition)
  ])
  return counts / counts.sum(axis=1, keepdims=True)


@strategies.composite
def _requests(draw):
  """Draws labels and options that every partitioner can meet."""
  num_classes = draw(strategies.integers(1, 6))
  num_clients = draw(strategies.integers(1, 12))
  min_examples = draw(strategies.integers(1, 3))
  each = 2 * min_examples * num_clients
  sizes = draw(strategies.lists(
      strategies.integers(each, 2 * each), min_size=num_classes,
      max_size=num_classes))
  labels = np.repeat(np.arange(num_classes), sizes)
  seed = draw(strategies.integers(0, 2**64))
  rng = np.random.default_rng(seed)
  writers = rng.permutation(np.arange(len(labels)) % num_clients)
  return dict(
      labels=rng.permutation(labels),
      num_clients=num_clients,
      seed=seed,
      classes_per_client=draw(strategies.integers(1, num_classes)),
      concentration=10.**draw(strategies.integers(-3, 6)),
      writers=writers,
      test_fraction=draw(strategies.floats(.01, .99)),
      min_examples=min_examples,
      max_examples_per_client=draw(
          strategies.none() | strategies.integers(min_examples, 20)))


class EveryPartitionerTest(unittest.TestCase):

  @hypothesis.settings(deadline=None)
  @hypothesis.given(strategies.sampled_from(sorted(partitions.PARTITIONERS)),
                    _requests())
  def test_meets_its_promises(self, name, request):
    partition = partitions.build_partition(name, **request)
    self.assertEqual(partition.num_clients, request['num_clients'])
    self._assert_len(partition.test_indices, request['num_clients'])
    used = np.concatenate(partition.train_indices + partition.test_indices)
    self._assert_len(np.unique(used), len(used))  # No index twice.
    self.assertGreaterEqual(used.min(), 0)
    self.assertLess(used.max(), len(request['labels']))
    for train, test in zip(partition.train_indices, partition.test_indices):
      self.assertGreaterEqual(len(train), request['min_examples'])
      self.assertGreaterEqual(len(test), request['min_examples'])
      most = request['max_examples_per_client']
      if most is not None:
        self.assertLessEqual(len(train), most)
      train_classes = np.unique(request['labels'][train])
      classes = np.unique(request['labels'][np.concatenate([train, test])])
      self._assert_len(train_classes, min(len(classes), len(train)))

  def _assert_len(self, sequence, length):
    self.assertEqual(len(sequence), length)

  def test_uses_every_example_once(self):
    for name in partitions.PARTITIONERS:
      with self.subTest(name=name):
        partition = _build(name, 60, writers=_WRITERS)
        np.testing.assert_array_equal(
            np.sort(np.concatenate(_pooled(partition))),
            np.arange(len(_LABELS)))

  def test_depends_on_the_seed_alone(self):
    for name in partitions.PARTITIONERS:
      with self.subTest(name=name):
        first, second, other = (
            _build(name, 20, seed=seed, writers=_WRITERS)
            for seed in (3, 3, 4))
        for a, b in zip(first.train_indices + first.test_indices,
                        second.train_indices + second.test_indices):
          np.testing.assert_array_equal(a, b)
        self.assertTrue(any(
            not np.array_equal(a, b)
            for a, b in zip(first.train_indices, other.train_indices)))

  def test_leaves_global_randomness_alone(self):
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    for name in partitions.PARTITIONERS:
      _build(name, 20, writers=_WRITERS)
    self.assertEqual(np.random.random(), expected)


class IidTest(unittest.TestCase):

  def test_clients_are_equally_large(self):
    sizes = [len(indices) for indices in _pooled(_build('iid', 7))]
    self.assertEqual(sorted(sizes), [857] * 6 + [858])

  def test_every_client_has_about_the_mix_of_the_whole(self):
    np.testing.assert_allclose(
        _class_shares(_build('iid', 10)), .1, atol=.05)


class ShardsTest(unittest.TestCase):

  def test_every_client_has_exactly_its_number_of_classes(self):
    for width in (1, 2, 3, 9, 10):
      partition = _build('shards', 40, classes_per_client=width)
      held = (_class_shares(partition) > 0).sum(axis=1)
      np.testing.assert_array_equal(held, width)

  def test_equal_classes_have_equally_many_holders(self):
    shares = _class_shares(_build('shards', 40, classes_per_client=2))
    np.testing.assert_array_equal((shares > 0).sum(axis=0), 8)

  def test_larger_classes_have_more_holders(self):
    labels = np.repeat([0, 1, 2], [100, 200, 300])
    partition = _build('shards', 12, labels, classes_per_client=1)
    held = [labels[indices[0]] for indices in _pooled(partition)]
    np.testing.assert_array_equal(np.bincount(held), [2, 4, 6])

  def test_classes_pair_up_at_random(self):
    shares = _class_shares(_build('shards', 100, classes_per_client=2))
    pairs = {tuple(np.flatnonzero(row)) for row in shares}
    self.assertGreater(len(pairs), 30)  # Of 45.

  def test_every_class_is_held_even_a_tiny_one(self):
    labels = np.repeat([0, 1, 2], [1000, 1000, 2])
    partition = _build('shards', 3, labels, classes_per_client=1)
    held = {labels[indices[0]] for indices in _pooled(partition)}
    self.assertEqual(held, {0, 1, 2})

  def test_leaves_out_the_smallest_classes_where_places_lack(self):
    labels = np.repeat([0, 1, 2], [10, 40, 30])
    partition = _build('shards', 2, labels, classes_per_client=1)
    held = {labels[indices[0]] for indices in _pooled(partition)}
    self.assertEqual(held, {1, 2})

  def test_raises_on_more_classes_than_there_are(self):
    for width in (0, 11):
      with self.assertRaisesRegex(
          ValueError, '`classes_per_client` must be from 1 to the number of '
          f'classes, 10, found {width}'):
        _build('shards', 10, classes_per_client=width)

  def test_raises_where_the_examples_do_not_suffice(self):
    labels = np.repeat([0, 1], [97, 3])
    with self.assertRaisesRegex(
        ValueError, '`num_clients` must leave every client at least 2 '
        'examples, 1 from each of its 2 classes, found 4 clients'):
      _build('shards', 4, labels, classes_per_client=2)


class DirichletTest(unittest.TestCase):

  def test_ends_quickly_at_500_clients_and_tiny_concentrations(self):
    for concentration in (.01, .001):
      start = time.monotonic()
      partition = _build('dirichlet', 500, concentration=concentration)
      self.assertLess(time.monotonic() - start, 5)
      self.assertEqual({len(i) for i in _pooled(partition)}, {12})
      self.assertGreater(_class_shares(partition).max(axis=1).mean(), .9)

  def test_a_huge_concentration_gives_the_mix_of_the_whole(self):
    np.testing.assert_allclose(
        _class_shares(_build('dirichlet', 10, concentration=1e6)), .1,
        atol=.05)

  def test_skew_falls_as_the_concentration_grows(self):
    top_shares = [
        _class_shares(_build('dirichlet', 50, concentration=c)).max(axis=1)
        for c in (.03, .3, 3., 30.)
    ]
    means = [share.mean() for share in top_shares]
    self.assertEqual(means, sorted(means, reverse=True))

  def test_skew_does_not_depend_on_the_client_number(self):
    top = _class_shares(
        _build('dirichlet', 500, concentration=.01)).max(axis=1)
    halves = top[:250].mean(), top[250:].mean()
    self.assertLess(abs(halves[0] - halves[1]), .05)

  def test_survives_a_rare_class(self):
    labels = np.repeat([0, 1], [100000, 2])
    partition = _build('dirichlet', 500, labels, concentration=.001)
    self.assertEqual(sum(map(len, _pooled(partition))), len(labels))

  def test_raises_on_a_concentration_out_of_range(self):
    for concentration in (0., -1., 1e-4, 1e7, np.inf, np.nan):
      with self.assertRaisesRegex(
          ValueError, f'`concentration` must be .*found {concentration}'):
        _build('dirichlet', 10, concentration=concentration)


class NaturalTest(unittest.TestCase):

  def test_every_client_is_one_writer(self):
    partition = _build('natural', 60, writers=_WRITERS)
    for writer, indices in enumerate(_pooled(partition)):
      np.testing.assert_array_equal(
          np.sort(indices), np.flatnonzero(_WRITERS == writer))

  def test_draws_some_of_the_writers(self):
    first, second = (
        _build('natural', 5, seed=seed, writers=_WRITERS) for seed in (0, 1))
    chosen, others = (
        [set(_WRITERS[indices]) for indices in _pooled(partition)]
        for partition in (first, second))
    self.assertEqual([len(writers) for writers in chosen], [1] * 5)
    self.assertEqual(len(set.union(*chosen)), 5)
    self.assertNotEqual(chosen, others)

  def test_passes_over_writers_with_too_few_examples(self):
    writers = np.array([4] * 3 + [9] + [2] * 2)
    partition = _build('natural', 2, np.zeros(6, int), writers=writers)
    self.assertEqual([sorted(i) for i in _pooled(partition)],
                     [[4, 5], [0, 1, 2]])

  def test_raises_on_more_clients_than_writers(self):
    with self.assertRaisesRegex(
        ValueError, '`num_clients` must be at most 60, .*, found 61'):
      _build('natural', 61, writers=_WRITERS)

  def test_raises_on_data_without_writers(self):
    with self.assertRaisesRegex(
        ValueError, '`partition` must be iid, shards or dirichlet'):
      _build('natural', 5)

  def test_raises_on_writers_of_another_length(self):
    with self.assertRaisesRegex(
        ValueError, '`writers` must .* 6000 examples, found 7'):
      _build('natural', 5, writers=np.zeros(7, int))


class LocalSplitTest(unittest.TestCase):

  def test_tests_on_the_fraction(self):
    partition = _build('iid', 60, test_fraction=.25)
    self.assertEqual({len(i) for i in partition.train_indices}, {75})
    self.assertEqual({len(i) for i in partition.test_indices}, {25})

  def test_keeps_the_minimum_on_both_sides(self):
    for fraction, sizes in ((.01, (7, 3)), (.99, (3, 7))):
      partition = _build('iid', 600, test_fraction=fraction, min_examples=3)
      for train, test in zip(partition.train_indices, partition.test_indices):
        self.assertEqual((len(train), len(test)), sizes)

  def test_limits_the_examples_to_train_on(self):
    full, limited = (
        _build('shards', 60, max_examples_per_client=most)
        for most in (None, 7))
    for a, b in zip(full.train_indices, limited.train_indices):
      self.assertEqual(len(b), 7)
      self.assertTrue(set(b) < set(a))
      self.assertEqual(set(_LABELS[a]), set(_LABELS[b]))
    for a, b in zip(full.test_indices, limited.test_indices):
      np.testing.assert_array_equal(a, b)


class ArgumentErrorsTest(unittest.TestCase):

  def test_lists_the_names_where_one_is_unknown(self):
    with self.assertRaisesRegex(
        ValueError, '`partition` must be one of iid, shards, dirichlet, '
        "natural, found 'pathological'"):
      _build('pathological', 10)

  def test_raises_on_an_empty_client(self):
    for name in partitions.PARTITIONERS:
      for num_clients in (0, -1, 3001):
        with self.assertRaisesRegex(
            ValueError, '`num_clients` must be from 1 to 3000, so that each '
            'has at least 1 of the 6000 examples to train on and 1 to test '
            f'on, found {num_clients}'):
          _build(name, num_clients, writers=_WRITERS)

  def test_raises_on_numbers_out_of_range(self):
    for option, value in (
        ('test_fraction', 0.), ('test_fraction', 1.), ('test_fraction', np.nan),
        ('min_examples', 0), ('max_examples_per_client', 0), ('seed', -1)):
      with self.subTest(option=option, value=value):
        with self.assertRaisesRegex(
            ValueError, f'`{option}` must be .*found {value}'):
          _build('iid', 10, **{option: value})


if __name__ == '__main__':
  unittest.main()
