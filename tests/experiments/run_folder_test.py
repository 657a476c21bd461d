import os
import shutil
import tempfile
import unittest
from unittest import mock

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import run_folder


class RunFolderTest(unittest.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, folder)
    self._dir = os.path.join(folder, 'runs', 'mine')

  def _prepare(self, resume=False, **changes):
    config = tiny_experiment.make_config(**changes)
    run_folder.check(self._dir, config, resume)
    run_folder.prepare(self._dir, config)

  def _write(self, name):
    os.makedirs(self._dir, exist_ok=True)
    with open(os.path.join(self._dir, name), 'w', encoding='utf-8') as file:
      file.write('text')

  def _edit(self, old, new):
    path = os.path.join(self._dir, 'config.flags')
    with open(path, encoding='utf-8') as file:
      text = file.read()
    self.assertIn(old, text)
    with open(path, 'w', encoding='utf-8') as file:
      file.write(text.replace(old, new))

  def test_a_new_folder_gets_the_config(self):
    self._prepare()
    path = os.path.join(self._dir, 'config.flags')
    with open(path, encoding='utf-8') as file:
      self.assertEqual(
          file.read(), tiny_experiment.make_config().to_flag_file()
      )
    self.assertEqual(os.listdir(self._dir), ['config.flags'])

  def test_a_check_changes_nothing(self):
    run_folder.check(self._dir, tiny_experiment.make_config(), resume=False)
    self.assertFalse(os.path.exists(self._dir))

  def test_an_empty_folder_is_new(self):
    os.makedirs(self._dir)
    self._prepare()

  def test_resume_begins_a_run_that_is_not_there(self):
    self._prepare(resume=True)

  def test_the_same_run_goes_on_with_resume_alone(self):
    self._prepare()
    with self.assertRaisesRegex(
        ValueError, '`output_dir` must be new, found this run already in .*'
        'Add --resume'
    ):
      self._prepare()
    self._prepare(resume=True)

  def test_raises_on_another_run_and_names_the_difference(self):
    self._prepare()
    for resume in (False, True):
      with self.assertRaisesRegex(
          ValueError, '`output_dir` must not hold another run, found one in .*'
          'differs in --seed=0 --seed=1'
      ):
        self._prepare(resume=resume, seed=1)

  def test_raises_on_more_rounds_than_the_noise_was_chosen_for(self):
    self._prepare(target_epsilon=4.0)
    with self.assertRaisesRegex(
        ValueError, '`num_rounds` must stay .*found 3 for 2: the noise was'
    ):
      self._prepare(resume=True, target_epsilon=4.0, num_rounds=3)
    self._prepare(resume=True, target_epsilon=4.0, max_seconds=9.0)

  def test_rounds_may_be_added_where_noise_is_given(self):
    self._prepare(noise_multiplier=4.0)
    self._prepare(resume=True, noise_multiplier=4.0, num_rounds=3)

  def test_an_option_that_came_later_has_its_default(self):
    self._prepare()
    self._edit('--data_seed=-1\n', '')
    self._prepare(resume=True)
    self._edit('--data_seed=-1\n', '')
    with self.assertRaisesRegex(ValueError, r'in --data_seed=-1 --data_seed=5'):
      self._prepare(resume=True, data_seed=5)

  def test_the_same_data_may_be_typed_from_another_folder(self):
    self._prepare(dataset='npz:mine.npz', partition_file='partition.npz')
    here = os.getcwd()
    self.addCleanup(os.chdir, here)
    os.chdir(tempfile.gettempdir())
    self._prepare(
        resume=True,
        dataset=f'npz:{here}/mine.npz',
        partition_file=os.path.relpath(f'{here}/partition.npz'),
    )
    with self.assertRaisesRegex(ValueError, 'differs in --dataset=npz:'):
      self._prepare(
          resume=True,
          dataset='npz:mine.npz',
          partition_file=f'{here}/partition.npz',
      )

  def test_goes_on_with_a_config_whose_path_is_relative(self):
    self._prepare(dataset='npz:mine.npz')
    self._edit(f'npz:{os.getcwd()}/mine.npz', 'npz:mine.npz')
    self._prepare(resume=True, dataset='npz:mine.npz')

  def test_raises_on_other_files_and_leaves_them(self):
    self._write('thesis.tex')
    for resume in (False, True):
      with self.assertRaisesRegex(
          ValueError, 'must be new or empty, found other files in'
      ):
        self._prepare(resume=resume)
    self.assertEqual(os.listdir(self._dir), ['thesis.tex'])

  def test_a_run_that_was_killed_at_its_first_step_can_begin_again(self):
    self._write('unfinished.1.config.flags')
    self._prepare(resume=True)
    self.assertEqual(os.listdir(self._dir), ['config.flags'])

  def test_a_run_has_finished_when_its_model_is_there_in_whole(self):
    self._prepare()
    model = mock.Mock()
    model.save.side_effect = OSError(28, 'No space left on device')
    with self.assertRaises(OSError):
      run_folder.save_final_model(self._dir, model)
    self.assertFalse(run_folder.is_finished(self._dir))
    model.save.side_effect = lambda path: open(path, 'wb').close()
    run_folder.save_final_model(self._dir, model)
    self.assertTrue(run_folder.is_finished(self._dir))
    self.assertCountEqual(
        os.listdir(self._dir), ['config.flags', 'final_model.keras']
    )


if __name__ == '__main__':
  unittest.main()
