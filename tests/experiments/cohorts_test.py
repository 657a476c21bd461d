from unittest import mock

from absl import logging
from absl.testing import parameterized
import portpicker
import tensorflow as tf
import tensorflow_federated as tff

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import cohorts
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_run
from tff_hidenseek.learning import client_files
from tff_hidenseek.runtimes import contexts
from tff_hidenseek.runtimes import worker_process


def setUpModule():
  tiny_experiment.set_context()


def _start_run(
    cohort_size,
    name='hidenseek',
    folder=None,
    copies=False,
    training='in_turn',
    device=None,
    **changes,
):
  """Starts a run; with a folder, of clients that are read from their files."""
  one_by_one = tiny_experiment.start_run(
      tiny_experiment.make_config(name, **changes)
  )
  algorithm = one_by_one.algorithm
  federation = tiny_experiment.build_federation()
  if folder is not None:
    algorithm = client_files.read_clients(
        algorithm, folder, federation.dataset.image_shape
    )
    federation = federation_lib.FederationOfFiles(federation)
    federation.write(folder)
  return training_run.TrainingRun(
      tiny_experiment.make_config(name, clients_per_round=3, **changes),
      algorithm,
      federation,
      cohort_size,
      copies,
      training,
      device,
  )


def _run_once(run):
  """Returns what a round and the evaluations after it give."""
  row = run.train_round(1)
  del row['train_loss']  # A sum of floats, in another order.
  return row, run.personal_accuracies(), run.global_accuracy()


class ChooseSizeTest(parameterized.TestCase):

  @parameterized.parameters(
      dict(num_clients=1, size=1),
      dict(num_clients=10, size=1),
      dict(num_clients=200, size=25),
      dict(num_clients=5000, size=25),
  )
  def test_few_clients_come_one_by_one_and_cohorts_stay_small(
      self, num_clients, size
  ):
    self.assertEqual(cohorts.choose_size(0, num_clients, 1000), size)

  def test_clients_of_a_large_model_come_one_by_one(self):
    self.assertEqual(cohorts.choose_size(0, 200, 1_600_000), 1)

  def test_at_once_come_as_many_as_their_weights_allow(self):
    self.assertEqual(cohorts.choose_size(0, 50, 1_600_000, at_once=True), 50)
    self.assertEqual(cohorts.choose_size(0, 2000, 2**20, at_once=True), 128)
    self.assertEqual(cohorts.choose_size(0, 9, 2**28, at_once=True), 1)

  def test_the_user_s_choice_is_taken(self):
    self.assertEqual(cohorts.choose_size(7, 3, 1000), 7)


class CohortsTest(parameterized.TestCase, tf.test.TestCase):

  # One that runs in cohorts, and one that cannot.
  @parameterized.parameters('fed_avg', 'hidenseek', 'fed_mask')
  def test_a_run_in_cohorts_is_the_run_one_by_one(self, algorithm):
    runs = [_start_run(size, algorithm) for size in (1, 2)]
    for round_num in (1, 2):
      rows = [run.train_round(round_num) for run in runs]
      losses = [row.pop('train_loss') for row in rows]
      self.assertAllClose(*losses, rtol=1e-5)
      self.assertEqual(*rows)
    self.assertEqual(*[run.personal_accuracies() for run in runs])
    self.assertEqual(*[run.global_accuracy() for run in runs])

  def test_cohorts_count_those_who_answer(self):
    runs = [_start_run(size, dropout_rate=0.5) for size in (1, 2)]
    for round_num in range(1, 5):
      rows = [run.train_round(round_num) for run in runs]
      losses = [row.pop('train_loss', 0) for row in rows]
      self.assertAllClose(*losses, rtol=1e-5)
      self.assertEqual(*rows)
    self.assertGreater(runs[0].server_state.round_num, 0)
    self.assertLess(runs[0].server_state.round_num, 4)

  # Of two workers, each gets one of the cohorts.
  @parameterized.product(runtime=['worker', 'cluster'], in_files=[False, True])
  def test_other_runtimes_run_cohorts_too(self, runtime, in_files):
    options = contexts.RuntimeOptions()
    if runtime == 'cluster':
      ports = [portpicker.pick_unused_port() for _ in range(2)]
      workers = [worker_process.WorkerProcess(port) for port in ports]
      for worker in workers:
        self.addCleanup(worker.stop)
      options = contexts.RuntimeOptions(
          workers=[f'localhost:{port}' for port in ports]
      )
    folder = self.create_tempdir().full_path if in_files else None
    run = _start_run(2, folder=folder, copies=True)
    context = contexts.RUNTIMES[runtime](options)
    with tff.framework.get_context_stack().install(context):
      found = _run_once(run)
    self.assertEqual(found, _run_once(_start_run(1)))

  def test_a_run_goes_on_with_other_cohorts(self):
    run = _start_run(2)
    run.train_round(1)
    saved = run.to_checkpoint()
    other = _start_run(3)
    tf.nest.assert_same_structure(saved, other.to_checkpoint())
    other.from_checkpoint(saved)
    for each in (run, other):
      each.train_round(2)
    self.assertAllEqual(
        run.server_state.algorithm['scores'],
        other.server_state.algorithm['scores'],
    )

  # As on a GPU, which keeps the examples of all clients.
  def test_a_run_at_once_is_the_run_one_by_one(self):
    run = _start_run(0, training='auto', device='CPU:0')
    self.assertTrue(run._cohorts.can_run(3))
    self.assertEqual(_run_once(run), _run_once(_start_run(1)))

  def test_an_algorithm_without_it_says_that_its_clients_train_in_turn(self):
    with mock.patch.object(logging, 'warning') as warn:
      _start_run(2, 'ssfl', training='auto', device='CPU:0')
      warn.assert_not_called()
      _start_run(2, 'ssfl', training='at_once')
    self.assertIn('one after another', warn.call_args.args[0])

  def test_clients_that_keep_something_say_that_they_come_one_by_one(self):
    with mock.patch.object(logging, 'warning') as warn:
      _start_run(1, 'fed_mask')
      warn.assert_not_called()
      _start_run(2, 'fed_mask')
    self.assertIn('so they come one by one', warn.call_args.args[0])


if __name__ == '__main__':
  tf.test.main()
