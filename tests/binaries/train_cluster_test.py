import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

import portpicker

from tests.experiments import tiny_experiment
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.runtimes import worker_channel
from tff_hidenseek.runtimes import worker_process

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_CONFIG = tiny_experiment.make_config(
    num_rounds=40, rounds_per_personal_evaluation=0
)


class TrainOnAClusterTest(unittest.TestCase):
  """Runs of `binaries.train`, each with a pair of workers."""

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._folder = pathlib.Path(folder.name)
    self._flag_file = self._folder / 'config.flags'
    self._flag_file.write_text(_CONFIG.to_flag_file())

  def _write_clients(self):
    federation = tiny_experiment.build_federation()
    federation_lib.FederationOfFiles(federation).write(
        federation_lib.client_folder(str(self._folder), federation)
    )

  def _start_workers(self, ports):
    workers = [worker_process.WorkerProcess(port) for port in ports]
    for worker in workers:
      self.addCleanup(worker.stop)
      with worker_channel.open_channel(f'localhost:{worker.port}') as channel:
        worker_process.wait_until_alive(worker, channel, 30.0)
    return workers

  def _train(self, run, ports, *flags):
    program = subprocess.Popen(
        [
            sys.executable, '-m', 'binaries.train',
            f'--flagfile={self._flag_file}',
            f'--output_dir={self._folder / run}',
            f'--client_dir={self._folder}', '--runtime=cluster',
            '--workers=' + ','.join(f'localhost:{port}' for port in ports),
            '--worker_timeout=2', *flags,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=_ROOT,
        env={**os.environ, 'TF_CPP_MIN_LOG_LEVEL': '3'},
        text=True,
    )
    self.addCleanup(program.kill)
    return program

  def _read_rows(self, run):
    path = self._folder / run / 'metrics.jsonl'
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [{k: v for k, v in row.items() if k != 'seconds'} for row in rows]

  def _assert_ends_with_one_line(self, program, pattern):
    _, errors = program.communicate(timeout=60)
    self.assertEqual(program.returncode, 2, errors)
    # The progress bar's last state stands in the line before.
    self.assertRegex(errors, rf'\nerror: {pattern}[^\n]*\n$')
    self.assertNotIn('Traceback', errors)

  def test_resumes_to_the_same_metrics_after_all_workers_died(self):
    self._write_clients()
    ports = [portpicker.pick_unused_port() for _ in range(4)]
    workers = self._start_workers(ports)
    undisturbed = self._train('undisturbed', ports[:2])
    disturbed = self._train('disturbed', ports[2:])
    while disturbed.poll() is None and not self._read_rows('disturbed'):
      time.sleep(0.05)
    for worker in workers[2:]:
      worker.stop()
    self._assert_ends_with_one_line(disturbed, 'No live worker among .* 2 s')
    self.assertLess(len(self._read_rows('disturbed')), _CONFIG.num_rounds)
    self._start_workers(ports[2:])
    resumed = self._train('disturbed', ports[2:], '--resume')
    for program in (undisturbed, resumed):
      _, errors = program.communicate(timeout=60)
      self.assertEqual(program.returncode, 0, errors)
    rows = self._read_rows('disturbed')
    self.assertEqual(len(rows), _CONFIG.num_rounds)
    self.assertEqual(rows, self._read_rows('undisturbed'))

  def test_names_the_missing_file_of_a_client(self):
    ports = [portpicker.pick_unused_port()]
    self._start_workers(ports)
    self._assert_ends_with_one_line(
        self._train('run', ports),
        r'`client_dir` must .* .*train_\d.tfexample. .*binaries.write_clients',
    )


if __name__ == '__main__':
  unittest.main()
