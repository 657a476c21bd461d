import os
import tempfile

from absl.testing import absltest

from tff_hidenseek.comparisons import contenders
from tff_hidenseek.comparisons import plan as plan_lib
from tff_hidenseek.experiments import config as config_lib


def _plan(algorithms=('hidenseek', 'fed_avg'), values=None, **options):
  return plan_lib.plan(
      contenders.of_algorithms(algorithms, values or {}), 'out', **options
  )


class PlanTest(absltest.TestCase):

  def test_all_run_on_every_partition_with_every_seed(self):
    runs = _plan(seeds=[0, 1], partitions=['iid', 'shards'])
    self.assertEqual(
        [run.run_dir for run in runs],
        [
            f'out/runs/digits.{partition}/{algorithm}/seed{seed}'
            for seed in (0, 1)
            for algorithm in ('hidenseek', 'fed_avg')
            for partition in ('iid', 'shards')
        ],
    )
    last = runs[-1].config
    self.assertEqual(
        (last.algorithm, last.partition, last.seed), ('fed_avg', 'shards', 1)
    )

  def test_each_has_its_own_partition_and_seed_by_default(self):
    (run,) = _plan(['ssfl'], dict(partition='dirichlet', seed=4))
    self.assertEqual(run.name, 'digits.dirichlet ssfl seed 4')

  def test_one_can_have_other_seeds(self):
    runs = _plan(seeds=[0, 1], seeds_of=dict(fed_avg=[5]))
    self.assertEqual(
        [(run.label, run.config.seed) for run in runs],
        [('hidenseek', 0), ('hidenseek', 1), ('fed_avg', 5)],
    )

  def test_files_of_a_run_lie_beside_its_folder(self):
    (run,) = _plan(['ssfl'])
    self.assertEqual(run.flag_file, 'out/runs/digits.iid/ssfl/seed0.flags')
    self.assertEqual(run.log_file, 'out/runs/digits.iid/ssfl/seed0.log')

  def test_paths_of_data_become_names(self):
    (run,) = _plan(['ssfl'], dict(dataset='npz:/data/a b.npz'))
    self.assertEqual(run.group, 'npz_data_a_b.npz.iid')

  def test_raises_on_seeds_of_what_is_not_compared(self):
    with self.assertRaisesRegex(
        ValueError, '`seeds_of` must be of one of hidenseek, fed_avg, found '
        '\'ssfl\'.'
    ):
      _plan(seeds_of=dict(ssfl=[0]))

  def test_raises_on_a_run_named_twice(self):
    for options in (
        dict(seeds=[3, 3]),
        dict(algorithms=['ssfl', 'ssfl']),
        dict(partitions=['iid', 'iid']),
    ):
      with self.assertRaisesRegex(ValueError, 'must be named once, found'):
        _plan(**options)

  def test_raises_on_partitions_beside_a_file_of_one(self):
    with self.assertRaisesRegex(
        ValueError, '`partitions` must not come with `partition_file`'
    ):
      _plan(values=dict(partition_file='x.npz'), partitions=['iid'])

  def test_raises_where_rows_of_a_table_would_differ_in_their_data(self):
    files = {
        'hidenseek.flags': dict(num_clients=20),
        'fed_avg.flags': dict(algorithm='fed_avg'),
    }
    with self.assertRaisesRegex(
        ValueError,
        '`num_clients` must be the same in all that is compared on digits.iid, '
        'found 20 for hidenseek and 10 for fed_avg.',
    ):
      plan_lib.plan(contenders.of_files(files, {}), 'out')

  def test_what_is_swept_may_differ(self):
    cells = contenders.sweep(
        contenders.of_algorithms(['ssfl'], {}), dict(num_clients=[10, 20])
    )
    runs = plan_lib.plan(cells, 'out')
    self.assertEqual(
        [run.run_dir for run in runs],
        [f'out/runs/digits.iid/ssfl,num_clients={n}/seed0' for n in (10, 20)],
    )


class FindRunsTest(absltest.TestCase):

  def test_finds_what_was_planned(self):
    with tempfile.TemporaryDirectory() as folder:
      cells = contenders.sweep(
          contenders.of_algorithms(['fed_avg', 'hidenseek'], {}),
          dict(density=[0.05, 0.5, 0.1]),
      )
      planned = plan_lib.plan(cells, folder, seeds=[0, 10, 2])
      configs = {run.flag_file: run.config for run in planned}
      for path in configs:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8'):
          pass
      # What belongs to a run, and is none.
      inside = os.path.join(planned[0].run_dir, 'x', 'seed3.flags')
      os.makedirs(os.path.dirname(inside))
      with open(inside, 'w', encoding='utf-8'):
        pass
      found = plan_lib.find_runs(folder, configs.__getitem__)
      self.assertCountEqual(found, planned)
      self.assertEqual(
          [(run.label, run.config.seed) for run in found],
          [
              (label, seed)
              for label in (
                  'hidenseek density=0.05',
                  'hidenseek density=0.1',
                  'hidenseek density=0.5',
                  'fed_avg',
              )
              for seed in (0, 2, 10)
          ],
      )

  def test_an_empty_folder_has_none(self):
    with tempfile.TemporaryDirectory() as folder:
      self.assertEmpty(
          plan_lib.find_runs(folder, config_lib.ExperimentConfig)
      )


if __name__ == '__main__':
  absltest.main()
