"""Flag files of any content: a config that holds all of it, or a sentence."""

import os
import re
import shutil
import tempfile

from absl.testing import absltest
from hypothesis import strategies as st
import numpy as np

from tests.fuzz import inputs
from tff_hidenseek.algorithms import registry
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.experiments import config as config_lib

_CONFIGS = [
    config_lib.build_config({'algorithm': name}) for name in registry.ALGORITHMS
]
_NAMES = sorted({name for config in _CONFIGS for name in config.flag_values()})
_VALUES = st.one_of(
    st.sampled_from([
        '', '0', '1', '-1', '-0', '007', '0x10', '1_000', '1.5', '1,5', '1e400',
        '-1e400', '1e-320', 'nan', 'inf', '-inf', '9' * 30, '9' * 5000,
        '0x' + 'f' * 500, '\u0661\u0662', '\u00bd', '\u00b2', 'true', 'False',
        'None', 'none', ' ', 'a b', '"1"', "'1'", '#', '--seed=1', 'x --seed=1',
        '\x00', '\x1b[2J', '\u2028', '\u00e9', '\U0001f642', '~', '/', '.',
        'npz:', 'npz:a.npz', 'images:', 'emnist:0', 'digits:', 'digits:1',
        'hidenseek', 'fed_avg', 'ssfl', 'cnn', 'shards', 'moves',
    ]),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.text(max_size=8),
)
_LINES = st.one_of(
    st.builds('--{}={}'.format, st.sampled_from(_NAMES), _VALUES),
    st.builds('--{}'.format, st.sampled_from(_NAMES)),
    st.builds('--no{}'.format, st.sampled_from(_NAMES)),
    st.builds('--{} {}'.format, st.sampled_from(_NAMES), _VALUES),
    st.builds('{}={}'.format, st.sampled_from(_NAMES), _VALUES),
    st.builds('-{}={}'.format, st.sampled_from(_NAMES), _VALUES),
    st.builds('\u2013{}={}'.format, st.sampled_from(_NAMES), _VALUES),
    st.sampled_from([
        '', '#', '# a comment', '// another', '--', '---seed=1', '--=1', '-',
        '--sead=1', '--output_dir=a', '--help', '--flagfile', '--flagfile=',
        '--flagfile=self.flags', '--flagfile=missing.flags', '--flagfile=.',
        '--flagfile=\x00', '--seed=1 --seed=2', '\ufeff',
        '  --seed=1  ', '\t--seed=1', '--seed = 1', '--seed==1', 'seed',
    ]),
    st.text(max_size=20),
)
_ENCODINGS = ('utf-8',) * 6 + ('utf-8-sig', 'utf-16', 'latin-1', 'utf-32')


@st.composite
def _contents(draw):
  """Draws a flag file: one of a run, with some lines or bytes changed."""
  lines = draw(st.sampled_from(_CONFIGS)).to_flag_file().splitlines()
  if draw(st.booleans()):
    lines = draw(st.lists(st.sampled_from(lines), max_size=8))
  for line in draw(st.lists(_LINES, max_size=4)):
    lines.insert(draw(st.integers(0, len(lines))), line)
  end = draw(st.sampled_from(['\n', '\n', '\n', '\r\n', '\r', ' ']))
  content = end.join(lines).encode(
      draw(st.sampled_from(_ENCODINGS)), errors='replace'
  )
  if draw(st.integers(0, 5)):
    return content
  return draw(inputs.mutated(content))


class FlagFilesTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)
    self.addCleanup(os.chdir, os.getcwd())
    os.chdir(self._folder)
    self._path = os.path.join(self._folder, 'self.flags')

  def _write(self, content):
    with open(self._path, 'wb') as file:
      file.write(content)

  def _check_config(self, config):
    """Checks that a config is of numbers and comes back from its file."""
    for value in config.flag_values().values():
      if isinstance(value, (int, float)):
        self.assertLess(abs(value), 2**31 if isinstance(value, int) else np.inf)
    self._write(config.to_flag_file().encode())
    self.assertEqual(experiment_flags.config_from_file(self._path), config)

  def _check_all_is_taken(self, content, values):
    """Checks that no line is passed over, but for comments."""
    for line in content.decode('utf-8-sig').split('\n'):
      line = line.strip()
      if line and not line.startswith(('#', '//')):
        name = re.match('--?([a-z_]*)', line)[1]
        # Not every name that begins with "no" is a denial: --noise_multiplier.
        self.assertIn(
            name if name in values else name.removeprefix('no'), values
        )

  @inputs.fuzz('flag_files', _contents())
  def test_flag_files(self, content):
    self._write(content)
    values = inputs.result_or_sentence(
        lambda: experiment_flags.values_from_file(self._path), self._path
    )
    if values is not None:
      self._check_all_is_taken(content, values)
      config = inputs.result_or_sentence(
          lambda: config_lib.build_config(values)
      )
      if config is not None:
        self._check_config(config)

  @inputs.fuzz(
      'options', st.dictionaries(
          st.sampled_from(['data_dir', 'partition_file', 'dataset', 'model']),
          st.text(st.characters(exclude_categories=()), max_size=8)
          | st.builds('a{}b'.format, _VALUES)))
  def test_options_of_a_command_line(self, values):
    config = inputs.result_or_sentence(lambda: config_lib.build_config(values))
    if config is not None:
      self._check_config(config)

  def test_a_run_s_own_file_is_taken(self):
    for config in _CONFIGS:
      self._check_config(config)


if __name__ == '__main__':
  absltest.main()
