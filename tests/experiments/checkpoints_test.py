import collections
import errno
import os
import resource
import shutil
import tempfile
from unittest import mock

import numpy as np
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.experiments import checkpoints
from tff_hidenseek.learning import federated_algorithm


def _make_state(number, size=3):
  """Makes a state of every dtype that runs have."""
  return collections.OrderedDict(
      server_state=federated_algorithm.ServerState(
          round_num=np.int32(number),
          algorithm=collections.OrderedDict(
              scores=np.full([size], number / 3, np.float32)
          ),
          aggregator=(),
      ),
      client_ids=np.arange(number, dtype=np.int32),
      served_clients=np.array([True, False]),
      total_bytes=np.array([2**40 + number, number], np.int64),
      randomness=np.float64(np.nextafter(number, 0)),
  )


_STRUCTURE = _make_state(0)


class CheckpointsTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self._dir = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._dir)

  def _manager(self, **options):
    return checkpoints.CheckpointManager(self._dir, **options)

  def _save(self, *round_nums):
    manager = self._manager()
    for round_num in round_nums:
      manager.save(round_num, _make_state(round_num))

  def _path(self, round_num, *parts):
    return os.path.join(self._dir, f'checkpoint_{round_num}', *parts)

  def _assert_loads(self, round_num):
    loaded_round, state = self._manager().load_newest(_STRUCTURE)
    self.assertEqual(loaded_round, round_num)
    expected = _make_state(round_num)
    tf.nest.assert_same_structure(state, expected)
    for got, leaf in zip(tf.nest.flatten(state), tf.nest.flatten(expected)):
      self.assertEqual(np.asarray(got).dtype, np.asarray(leaf).dtype)
      self.assertAllEqual(got, leaf)

  def _assert_passes_over(self, round_num):
    """Asserts that the newest checkpoint is named and the one before used."""
    with self.assertLogs('absl', 'WARNING') as logs:
      self._assert_loads(round_num - 1)
    self.assertIn(self._path(round_num), logs.output[0])
    self.assertIn('damaged', logs.output[0])
    self.assertFalse(os.path.exists(self._path(round_num)))
    self.assertTrue(
        os.path.isdir(
            os.path.join(self._dir, f'damaged_checkpoint_{round_num}')
        )
    )


class SaveAndLoadTest(CheckpointsTest):

  def test_there_is_none_at_first(self):
    self.assertIsNone(self._manager().load_newest(_STRUCTURE))

  def test_the_newest_comes_back_with_its_bits_and_types(self):
    self._save(2, 9, 10)
    self._assert_loads(10)

  def test_keeps_the_newest(self):
    manager = self._manager(keep_total=2)
    for round_num in (1, 2, 3):
      manager.save(round_num, _make_state(round_num))
    self.assertCountEqual(
        os.listdir(self._dir), ['checkpoint_2', 'checkpoint_3']
    )

  def test_removes_what_an_interrupted_write_left(self):
    self._save(1)
    os.makedirs(self._path('2_temp1234', 'variables'))
    self._assert_loads(1)
    self.assertEqual(os.listdir(self._dir), ['checkpoint_1'])


class DamageTest(CheckpointsTest):

  def _flip_bit(self, path, place, bit):
    with open(path, 'r+b') as file:
      file.seek(place)
      (byte,) = file.read(1)
      file.seek(place)
      file.write(bytes([byte ^ (1 << bit)]))

  def _files(self, round_num):
    """Lists the files of a checkpoint that are not empty."""
    found = []
    for folder, _, names in os.walk(self._path(round_num)):
      found += [os.path.join(folder, name) for name in names]
    return [path for path in found if os.path.getsize(path)]

  def test_a_truncated_file_is_named_and_the_one_before_used(self):
    for round_num, name, size in (
        (2, 'variables/variables.data-00000-of-00001', 20),
        (4, 'variables/variables.index', 20),
        (6, 'saved_model.pb', 100),
    ):
      self._save(round_num - 1, round_num)
      os.truncate(self._path(round_num, name), size)
      self._assert_passes_over(round_num)

  def test_a_missing_file_is_named_and_the_one_before_used(self):
    self._save(1, 2)
    shutil.rmtree(self._path(2, 'variables'))
    self._assert_passes_over(2)

  def test_an_empty_folder_is_named_and_the_one_before_used(self):
    self._save(1)
    os.makedirs(self._path(2))
    self._assert_passes_over(2)

  def test_a_flipped_bit_of_the_data_is_named_and_the_one_before_used(self):
    self._save(1, 2)
    path = self._path(2, 'variables', 'variables.data-00000-of-00001')
    self._flip_bit(path, 5, 2)
    self._assert_passes_over(2)

  def test_no_flipped_bit_gives_another_state(self):
    self._save(1, 2)
    rng = np.random.default_rng(0)
    whole = os.path.join(self._dir, 'whole')
    shutil.copytree(self._path(2), whole)
    for path in self._files(2):
      for place in rng.integers(os.path.getsize(path), size=3):
        self._flip_bit(path, place, rng.integers(8))
        loaded, state = self._manager().load_newest(_STRUCTURE)
        tf.nest.map_structure(self.assertAllEqual, state, _make_state(loaded))
        shutil.rmtree(self._path(2), ignore_errors=True)
        shutil.copytree(whole, self._path(2))

  def test_data_of_another_digest_is_named_and_the_one_before_used(self):
    manager = self._manager()
    manager.save(1, _make_state(1))
    with mock.patch.object(
        checkpoints, '_digest', return_value=np.zeros(32, np.uint8)
    ):
      manager.save(2, _make_state(2))
    self._assert_passes_over(2)

  def test_another_run_s_checkpoint_is_not_taken(self):
    manager = self._manager()
    manager.save(1, _make_state(1))
    manager.save(2, [np.zeros(3)])
    self._assert_passes_over(2)

  def test_there_is_none_where_all_are_damaged(self):
    self._save(1, 2)
    for round_num in (1, 2):
      os.remove(self._path(round_num, 'saved_model.pb'))
    self.assertIsNone(self._manager().load_newest(_STRUCTURE))


class FullDiskTest(CheckpointsTest):

  def test_raises_and_leaves_the_one_before_intact(self):
    manager = self._manager()
    manager.save(1, _make_state(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, hard))
    try:
      with self.assertRaisesRegex(
          checkpoints.CheckpointError,
          'The checkpoint of round 2 could not be written to .*; the '
          'checkpoint of round 1 is intact. Make room there and run again with '
          '--resume.',
      ) as raised:
        manager.save(2, _make_state(2, size=2**16))
    finally:
      resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    self.assertNotIn('\n', str(raised.exception))
    self._assert_loads(1)
    manager.save(2, _make_state(2))
    self._assert_loads(2)

  def test_says_so_where_there_is_none_before(self):
    no_space = OSError(errno.ENOSPC, 'No space left on device')
    with mock.patch.object(
        tff.program.FileProgramStateManager, 'save', side_effect=no_space
    ), self.assertRaisesRegex(
        checkpoints.CheckpointError,
        'there is none before it.*No space left on device',
    ):
      self._manager().save(1, _make_state(1))


if __name__ == '__main__':
  tf.test.main()
