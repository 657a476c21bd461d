import os
import tempfile

from absl import flags
from absl.testing import absltest
from absl.testing import parameterized

from tff_hidenseek.commands import flag_files


def _make_flags():
  flag_values = flags.FlagValues()
  flags.DEFINE_integer('num_rounds', 50, '', flag_values=flag_values)
  flags.DEFINE_string('data_dir', '', '', flag_values=flag_values)
  flags.DEFINE_bool('resume', False, '', flag_values=flag_values)
  return flag_values


class ReadTest(parameterized.TestCase):

  def setUp(self):
    super().setUp()
    folder = tempfile.TemporaryDirectory()
    self.addCleanup(folder.cleanup)
    self._dir = folder.name

  def _write(self, content, name='a.flags'):
    path = os.path.join(self._dir, name)
    with open(path, 'wb') as file:
      file.write(
          content if isinstance(content, bytes) else content.encode('utf-8')
      )
    return path

  def _read(self, content):
    return flag_files.read(self._write(content), _make_flags())

  def test_a_flag_a_line_and_comments(self):
    self.assertEqual(
        self._read(
            '# Rounds.\n--num_rounds=1\n\n  // Data.\r\n-data_dir=a b\r\n'
            '--resume\n--noresume\n--resume=true'
        ),
        ['--num_rounds=1', '-data_dir=a b', '--resume', '--noresume',
         '--resume=true'],
    )

  def test_a_byte_order_mark_is_not_part_of_a_flag(self):
    self.assertEqual(self._read('\ufeff--num_rounds=1'), ['--num_rounds=1'])
    self.assertEqual(self._read('\ufeff# Hi.\n'), [])

  @parameterized.named_parameters(
      ('no_dashes', 'num_rounds=1'),
      ('an_en_dash', '\u2013num_rounds=1'),
      ('an_em_dash', '\u2014num_rounds=1'),
      ('a_dash_and_an_en_dash', '-\u2013num_rounds=1'),
      ('a_byte_order_mark_within', '\ufeff--num_rounds=1'),
      ('two_dashes_alone', '--'),
      ('a_space_for_an_equals_sign', '--num_rounds 1'),
      ('a_value_that_would_be_the_next_line', '--data_dir'),
      ('an_include_of_the_next_line', '--flagfile'),
      ('two_flags', '--data_dir=a --num_rounds=1'),
      ('a_carriage_return', '--num_rounds=1\r0'),
  )
  def test_what_is_no_flag_is_refused(self, line):
    with self.assertRaisesWithLiteralMatch(
        ValueError,
        '`flagfile` must hold one flag a line, --name=value, found '
        f'{line!r} in line 2 of {self._dir}/a.flags.',
    ):
      self._read(f'--resume\n{line}\n--resume\n')

  def test_an_unknown_flag_is_left_to_the_parser(self):
    flag_values = _make_flags()
    arguments = self._read('--num_round=1\n--other')
    with self.assertRaisesRegex(flags.UnrecognizedFlagError, 'num_round\'.*'):
      flag_values(['x', *arguments])

  def test_another_encoding_is_refused(self):
    with self.assertRaisesRegex(ValueError, 'must be text in UTF-8, found'):
      self._read('--num_rounds=1'.encode('utf-16'))

  def test_a_file_may_include_others_but_not_itself(self):
    inner = self._write('--num_rounds=2\n', 'inner.flags')
    self.assertEqual(
        self._read(f'--resume\n--flagfile={inner}\n--num_rounds=3'),
        ['--resume', '--num_rounds=2', '--num_rounds=3'],
    )
    self._write(f'--flagfile={self._dir}/a.flags', 'inner.flags')
    with self.assertRaisesRegex(
        ValueError, 'must not include itself, found .*a.flags again'
    ):
      self._read(f'--flagfile={inner}')

  def test_a_mistake_in_an_included_file_names_that_file(self):
    inner = self._write('num_rounds=2\n', 'inner.flags')
    with self.assertRaisesRegex(ValueError, 'line 1 of .*inner.flags'):
      self._read(f'--flagfile={inner}')

  def test_a_missing_file_is_named(self):
    with self.assertRaisesRegex(
        OSError, '`flagfile` must be a file, found none at no.flags'
    ):
      self._read('--flagfile=no.flags')

  def test_a_command_line_has_the_flags_in_the_place_of_the_file(self):
    path = self._write('--num_rounds=2\n--resume')
    for given in ([f'--flagfile={path}'], ['--flagfile', path],
                  [f'-flagfile={path}']):
      self.assertEqual(
          flag_files.expand(
              ['--num_rounds=1', *given, '--data_dir=a'], _make_flags()
          ),
          ['--num_rounds=1', '--num_rounds=2', '--resume', '--data_dir=a'],
      )


if __name__ == '__main__':
  absltest.main()
