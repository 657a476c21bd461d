"""Folders of damaged checkpoints: one that is whole, none, or a sentence."""

import os
import shutil
import tempfile

from absl import logging
from absl.testing import absltest
from hypothesis import strategies as st
import numpy as np

from tests.fuzz import inputs
from tff_hidenseek.experiments import checkpoints

_STRUCTURE = {'weights': np.zeros(5, np.float32), 'round_num': np.int32(0)}
_NAMES = (
    'checkpoint_3', 'checkpoint_', 'checkpoint_x', 'checkpoint_\u00b2',
    'checkpoint_-1', 'checkpoint_03', 'checkpoint_99999999999999999999',
    'checkpoint_4_temp1', 'checkpoint_2.bak', 'damaged_checkpoint_2', 'notes',
)


def _make_state(round_num):
  return {
      'weights': np.arange(5, dtype=np.float32) / round_num,
      'round_num': np.int32(round_num),
  }


class CheckpointsTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)
    verbosity = logging.get_verbosity()
    self.addCleanup(logging.set_verbosity, verbosity)
    logging.set_verbosity(logging.FATAL)
    self._whole = os.path.join(self._folder, 'whole')
    manager = checkpoints.CheckpointManager(self._whole)
    for round_num in (1, 2):
      manager.save(round_num, _make_state(round_num))

  def _damage(self, data, run):
    """Changes one file of a checkpoint, or what stands beside them."""
    files = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(run)
        for name in names
    )
    path = data.draw(st.sampled_from(files))
    kind = data.draw(st.integers(0, 5))
    if kind <= 2:
      with open(path, 'rb') as file:
        content = file.read()
      with open(path, 'wb') as file:
        file.write(data.draw(inputs.mutated(content)))
    elif kind == 3:
      os.remove(path)
    else:
      path = os.path.join(run, data.draw(st.sampled_from(_NAMES)))
      if os.path.exists(path):
        return
      if kind == 4:
        os.makedirs(path)
      else:
        with open(path, 'wb') as file:
          file.write(data.draw(st.binary(max_size=9)))

  @inputs.fuzz('checkpoints', st.data())
  def test_checkpoints(self, data):
    run = tempfile.mkdtemp(dir=self._folder)
    shutil.copytree(self._whole, run, dirs_exist_ok=True)
    for _ in range(data.draw(st.integers(1, 3))):
      self._damage(data, run)
    newest = inputs.result_or_sentence(
        lambda: checkpoints.newest_round(run), run
    )
    self.assertTrue(newest is None or newest >= 0)
    manager = checkpoints.CheckpointManager(run)
    found = inputs.result_or_sentence(
        lambda: manager.load_newest(_STRUCTURE), run
    )
    if found is not None:
      round_num, state = found
      self.assertIn(round_num, (1, 2))
      for name, expected in _make_state(round_num).items():
        np.testing.assert_array_equal(state[name], expected)
    manager.save(9, _make_state(9))
    self.assertEqual(manager.load_newest(_STRUCTURE)[0], 9)
    shutil.rmtree(run)

  def test_a_folder_that_is_a_file_is_told(self):
    path = os.path.join(self._folder, 'checkpoints')
    with open(path, 'wb'):
      pass
    self.assertIsNone(
        inputs.result_or_sentence(
            lambda: checkpoints.CheckpointManager(path), path
        )
    )


if __name__ == '__main__':
  absltest.main()
