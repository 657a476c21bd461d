import ast
import sys

from absl.testing import absltest
from absl.testing import parameterized

from binaries import preflight

_GOOD = preflight.Facts(
    python=(3, 11), implementation='CPython', is_64_bit=True, system='Linux',
    machine='x86_64', glibc=(2, 31), has_avx=True, has_venv=True,
    free_gib=50.0, temporary_folder='/t', temporary_gib=50.0)


class FindFaultsTest(parameterized.TestCase):

  @parameterized.parameters((3, 10), (3, 11), (3, 12), (3, 13))
  def test_supported_python_has_no_fault(self, *python):
    self.assertEmpty(preflight.find_faults(_GOOD._replace(python=python)))

  def test_unknown_processor_flags_are_no_fault(self):
    self.assertEmpty(preflight.find_faults(_GOOD._replace(has_avx=None)))

  def test_unknown_c_library_of_python_2_is_not_named(self):
    facts = _GOOD._replace(python=(2, 7), glibc=None)
    (fault,) = preflight.find_faults(facts)
    self.assertRegex(fault, 'Python 3.10, 3.11, 3.12 or 3.13, found 2.7')

  @parameterized.named_parameters(
      ('new_python', dict(python=(3, 14)), 'found 3.14: install'),
      ('old_python', dict(python=(3, 9)), 'found 3.9: install'),
      ('pypy', dict(implementation='PyPy'), 'CPython, found PyPy'),
      ('mac', dict(system='Darwin', machine='arm64', glibc=None),
       'Linux on x86-64, found Darwin arm64'),
      ('arm', dict(machine='aarch64'), 'found Linux aarch64'),
      ('32_bit_python', dict(is_64_bit=False), '32-bit Python'),
      ('old_glibc', dict(glibc=(2, 28)), 'glibc 2.31 or newer, found 2.28'),
      ('glibc_2_4', dict(glibc=(2, 4)), 'found 2.4'),
      ('musl', dict(glibc=None), 'found another C library'),
      ('no_avx', dict(has_avx=False), 'processor with AVX'),
      ('no_venv', dict(has_venv=False), 'apt-get install python3.11-venv'),
      ('full_disk', dict(free_gib=0.5), 'project folder, found 0.5'),
      ('full_temporary_folder', dict(temporary_gib=0.5), 'in /t while'),
  )
  def test_one_bad_fact_gives_one_sentence(self, facts, expected):
    (fault,) = preflight.find_faults(_GOOD._replace(**facts))
    self.assertRegex(fault, expected)
    self.assertNotIn('\n', fault)
    self.assertEndsWith(fault, '.')

  def test_every_bad_fact_is_named(self):
    facts = _GOOD._replace(python=(3, 14), glibc=(2, 28), free_gib=0.5)
    self.assertLen(preflight.find_faults(facts), 3)


class ReadFactsTest(absltest.TestCase):

  def test_reads_this_machine(self):
    facts = preflight.read_facts()
    self.assertEqual(facts.python, sys.version_info[:2])
    self.assertTrue(facts.is_64_bit)
    self.assertGreaterEqual(facts.glibc, (2, 31))

  def test_any_python_3_can_read_the_program(self):
    with open(preflight.__file__, encoding='ascii') as file:
      ast.parse(file.read(), feature_version=(3, 4))


class MainTest(absltest.TestCase):

  def test_exit_code_says_whether_the_machine_works(self):
    bad = _GOOD._replace(python=(3, 14))
    with absltest.mock.patch.object(preflight, 'read_facts') as read_facts:
      read_facts.side_effect = [_GOOD, bad]
      self.assertEqual(preflight.main([]), 0)
      self.assertEqual(preflight.main([]), 1)

  def test_any_python_does_for_fetching_another(self):
    bad = _GOOD._replace(python=(3, 14))
    with absltest.mock.patch.object(preflight, 'read_facts') as read_facts:
      read_facts.side_effect = [
          bad, bad._replace(glibc=(2, 28)), _GOOD._replace(has_venv=False)]
      self.assertEqual(preflight.main(['--any_python']), 0)
      self.assertEqual(preflight.main(['--any_python']), 1)
      self.assertEqual(preflight.main(['--any_python']), 1)


if __name__ == '__main__':
  absltest.main()
