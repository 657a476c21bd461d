import errno
from unittest import mock

from absl import flags
from absl.testing import absltest

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import flag_files


class ParseFlagsTest(absltest.TestCase):

  def test_the_short_help_is_the_help(self):
    given = []
    with mock.patch.object(
        flag_files, 'expand', side_effect=lambda texts, _: given.extend(texts)
        or []
    ):
      command_line.parse_flags(['train', '-h', '--seed=1'])
    self.assertEqual(given, ['--help', '--seed=1'])

  def test_a_flag_that_there_is_not_is_told_in_a_line(self):
    with mock.patch('sys.stderr') as stderr:
      with self.assertRaisesRegex(SystemExit, '2'):
        command_line.parse_flags(['train', '--no_such_flag=1'])
    said = ''.join(call.args[0] for call in stderr.write.call_args_list)
    self.assertStartsWith(said, 'error: Unknown command line flag')
    self.assertEqual(said.count('\n'), 1)


class UserErrorsTest(absltest.TestCase):

  def _say(self, error):
    with mock.patch('sys.stderr') as stderr:
      with self.assertRaisesRegex(SystemExit, '2'):
        with command_line.user_errors():
          raise error
    return ''.join(call.args[0] for call in stderr.write.call_args_list)

  def test_a_flag_that_must_be_given(self):
    self.assertEqual(
        self._say(
            flags.IllegalFlagValueError(
                'flag --run_dir=None: Flag --run_dir must have a value other '
                'than None.'
            )
        ),
        'error: `run_dir` must be given.\n',
    )

  def test_a_full_disk(self):
    error = OSError(errno.ENOSPC, 'No space left on device', 'runs/x.npz')
    self.assertStartsWith(
        self._say(error),
        'error: There is no space left on the disk in runs/x.npz. Make room',
    )


if __name__ == '__main__':
  absltest.main()
