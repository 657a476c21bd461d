import sys
import time

from absl import flags
from absl.testing import absltest
from absl.testing import flagsaver
from absl.testing import parameterized

from binaries import doctor
from binaries import preflight

_FACTS = preflight.Facts(
    python=(3, 11), implementation='CPython', is_64_bit=True, system='Linux',
    machine='x86_64', glibc=(2, 36), has_avx=True, has_venv=True,
    free_gib=0.0, temporary_folder='/t', temporary_gib=0.0)


def _answer(ok, *lines):
  return lambda command: (ok, list(lines))


def _python(code, timeout=60.0):
  return doctor.run_quietly([sys.executable, '-c', code], timeout)


def _is_running(pid):
  try:
    with open(f'/proc/{pid}/stat', encoding='ascii') as file:
      return file.read().split()[2] != 'Z'
  except FileNotFoundError:
    return False


class RunQuietlyTest(absltest.TestCase):

  def test_returns_lines_of_both_streams(self):
    code = 'import sys; print(1, flush=True); print(2, file=sys.stderr)'
    self.assertEqual(_python(code), (True, ['1', '2']))

  def test_exit_code_is_a_failure(self):
    self.assertEqual(_python('print(1); exit(3)'), (False, ['1']))

  def test_names_the_signal_that_ended_the_program(self):
    ok, lines = _python('import os; os.kill(os.getpid(), 4)')
    self.assertFalse(ok)
    self.assertEqual(lines[-1], 'ended by SIGILL')

  def test_kills_what_a_late_program_started(self):
    ok, lines = _python(
        'import subprocess, time; '
        'print(subprocess.Popen(["sleep", "60"]).pid, flush=True); '
        'time.sleep(60)', timeout=2.0)
    self.assertFalse(ok)
    self.assertEqual(lines[-1], 'no answer within 2 s (see --timeout)')
    self.assert_ends(int(lines[0]))

  def test_kills_what_a_finished_program_left_behind(self):
    ok, lines = _python(
        'import subprocess; print(subprocess.Popen(["sleep", "60"]).pid)')
    self.assertTrue(ok)
    self.assert_ends(int(lines[0]))

  def assert_ends(self, pid):
    deadline = time.monotonic() + 5
    while _is_running(pid) and time.monotonic() < deadline:
      time.sleep(0.01)
    self.assertFalse(_is_running(pid))


class CheckTest(parameterized.TestCase):

  def test_good_machine_and_python_pass(self):
    self.assertEqual(
        doctor.check_machine(_FACTS),
        doctor.Finding('machine', 'OK', 'Linux x86_64, glibc 2.36'))
    self.assertEqual(
        doctor.check_python(_FACTS), doctor.Finding('Python', 'OK', '3.11'))

  def test_old_glibc_and_new_python_fail(self):
    facts = _FACTS._replace(python=(3, 14), glibc=(2, 28))
    self.assertEqual(doctor.check_machine(facts).status, 'FAIL')
    self.assertEqual(doctor.check_python(facts).status, 'FAIL')

  @parameterized.named_parameters(
      ('right', _answer(True, '1.5.0'), 'OK', '^1.5.0$'),
      ('wrong', _answer(True, '1.4.9'), 'FAIL', 'must be 1.5.0, found 1.4.9'),
      ('missing', _answer(False, "No module named 'p'"), 'FAIL', 'make clean'),
      ('silent', _answer(False), 'FAIL', 'nothing'),
  )
  def test_package_must_import_with_its_pinned_version(
      self, run, status, detail):
    finding = doctor.check_package('P', 'p', '1.5.0', run)
    self.assertEqual(finding.status, status)
    self.assertRegex(finding.detail, detail)

  @parameterized.named_parameters(
      ('right', _answer(True, 'noise', '12'), 'OK'),
      ('wrong', _answer(True, '13'), 'FAIL'),
      ('late', _answer(False, '12', 'no answer within 2 s'), 'FAIL'),
  )
  def test_hello_must_give_its_sum_in_time(self, run, status):
    finding = doctor.check_hello('worker', run)
    self.assertEqual(finding.status, status)
    # Packages have checks of their own.
    self.assertNotIn('make clean', finding.detail)

  @parameterized.named_parameters(
      ('seen', _answer(True, '2'), True, 'sees 2'),
      ('none', _answer(True, '0'), False, 'sees 0'),
      ('unused', _answer(True, '0'), True, 'requirements_gpu.txt'),
      ('broken', _answer(False, 'crash'), False, 'sees 0'),
  )
  def test_gpu_is_good_to_know(self, run, has_driver, detail):
    finding = doctor.check_gpu(run, has_driver)
    self.assertEqual(finding.status, 'INFO')
    self.assertRegex(finding.detail, detail)

  @parameterized.parameters((2 * 2**20, 'OK'), (2 * 2**20 - 10**5, 'FAIL'))
  def test_memory_must_be_two_gib(self, kib, status):
    meminfo = f'MemTotal: 99 kB\nMemAvailable:   {kib} kB\n'
    self.assertEqual(doctor.check_memory(meminfo).status, status)


class MainTest(parameterized.TestCase):

  @parameterized.parameters((('OK', 'INFO'), 0), (('OK', 'FAIL', 'OK'), 1))
  def test_exit_code_says_whether_a_needed_check_failed(self, statuses, code):
    findings = [doctor.Finding('name', status, '') for status in statuses]
    with absltest.mock.patch.object(
        doctor, 'run_checks', return_value=findings):
      self.assertEqual(doctor.main([]), code)

  def test_timeout_reaches_the_checks(self):
    with flagsaver.flagsaver(timeout=3.0), absltest.mock.patch.object(
        doctor, 'run_checks', return_value=[]) as run_checks:
      doctor.main([])
    run_checks.assert_called_once_with(3.0)

  def test_this_machine_passes_every_needed_check(self):
    findings = list(doctor.run_checks(flags.FLAGS.timeout))
    failures = [finding for finding in findings if finding.status == 'FAIL']
    self.assertEmpty(failures)
    self.assertLen(findings, 10)


if __name__ == '__main__':
  absltest.main()
