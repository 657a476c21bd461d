"""A run with --data_dir='my data --seed=1' trained, but no command read it.

Its config is a flag file, of which each line must hold one flag alone.
"""

from absl.testing import absltest

from tff_hidenseek.experiments import config


class FolderCalledLikeAFlagTest(absltest.TestCase):

  def test_what_a_flag_file_cannot_hold_is_refused_at_the_start(self):
    for text in ('my data --seed=1', 'a\nb', ' a', 'a ', 'a\ud800'):
      with self.assertRaisesRegex(
          ValueError, '`dataset` must fit a line of a flag file: .*, found'
      ):
        config.build_config({'dataset': text})

  def test_dashes_in_a_name_are_fine(self):
    for text in ('/data/my - digits', '/data/my--digits', '/data/a -b'):
      self.assertEqual(config.build_config({'data_dir': text}).data_dir, text)


if __name__ == '__main__':
  absltest.main()
