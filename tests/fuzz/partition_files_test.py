"""Partition files of any content: a partition as it must be, or a sentence."""

import os
import shutil
import tempfile

from absl.testing import absltest
from hypothesis import strategies as st
import numpy as np

from tests.fuzz import data_checks
from tests.fuzz import inputs
from tests.fuzz import npz_contents
from tff_hidenseek.data import partition_files
from tff_hidenseek.data import partitions

_NUM_EXAMPLES = 40


@st.composite
def _requests(draw):
  """Draws the arguments of a division, seldom impossible ones."""
  return dict(
      name=draw(st.sampled_from(sorted(partitions.PARTITIONERS))),
      num_clients=draw(st.integers(1, 8) | st.sampled_from([0, 10**30])),
      seed=draw(st.integers(0, 2**31 - 1)),
      classes_per_client=draw(st.integers(1, 4)),
      concentration=draw(st.floats(1e-3, 1e6) | st.sampled_from([0, 1e300])),
      test_fraction=draw(st.floats(1e-9, .9)),
      min_examples=draw(st.integers(1, 3) | st.just(10**30)),
      max_examples_per_client=draw(st.none() | st.integers(1, 20)),
  )


class PartitionFilesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)
    self._path = os.path.join(self._folder, 'partition.npz')

  @inputs.fuzz('partition_files', st.data())
  def test_partition_files(self, data):
    request = data.draw(_requests())
    rng = np.random.default_rng(data.draw(st.integers(0, 100)))
    labels = rng.integers(0, 5, _NUM_EXAMPLES)
    writers = rng.integers(0, 9, _NUM_EXAMPLES)
    made = inputs.result_or_sentence(
        lambda: partitions.build_partition(
            labels=labels, writers=writers, **request
        )
    )
    if made is None:
      return
    data_checks.check_partition(self, made, _NUM_EXAMPLES)
    partition_files.save_partition(self._path, made)
    with np.load(self._path) as arrays:
      contents = npz_contents.npz_contents(dict(arrays))
    with open(self._path, 'wb') as file:
      file.write(data.draw(contents))
    read = inputs.result_or_sentence(
        lambda: partition_files.load_partition(self._path, _NUM_EXAMPLES),
        self._path,
    )
    if read is not None:
      data_checks.check_partition(self, read, _NUM_EXAMPLES)

  def test_sizes_whose_sum_overflows_are_told(self):
    sizes = np.array([2**63 + 2, 2**63 + 2, 2], np.uint64)
    np.savez(
        self._path, train_indices=np.arange(6), train_sizes=sizes,
        test_indices=np.arange(6, 9), test_sizes=np.ones(3, int),
    )
    with self.assertRaisesRegex(
        ValueError, f'`train_sizes` must add up to the 6 .* found {2**64 + 6}'
    ):
      partition_files.load_partition(self._path, _NUM_EXAMPLES)


if __name__ == '__main__':
  absltest.main()
