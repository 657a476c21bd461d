"""Folders of runs with any files: what is read is right, or a sentence."""

import json
import os
import shutil
import tempfile

from absl.testing import absltest
from hypothesis import strategies as st

from tests.experiments import tiny_experiment
from tests.fuzz import inputs
from tff_hidenseek.experiments import divergence
from tff_hidenseek.experiments import metrics
from tff_hidenseek.experiments import personal_accuracies
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder

_CONFIG = tiny_experiment.make_config()
_FEDERATION = tiny_experiment.build_federation()
_DATA = json.dumps(run_data.describe(_FEDERATION), indent=2)
_ROWS = ''.join(
    json.dumps(dict.fromkeys(metrics.METRIC_NAMES, None) | {'round_num': i})
    + '\n'
    for i in (1, 2)
)
_FILES = {
    run_folder.CONFIG_FILE: _CONFIG.to_flag_file(),
    run_data.DATA_FILE: _DATA,
    'metrics.jsonl': _ROWS,
    divergence.DIVERGENCE_FILE: json.dumps({'round_num': 2, 'reason': 'nan'}),
    personal_accuracies.FILE: json.dumps({'seen': {'0': .5}, 'unseen': {}}),
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.text() | st.sampled_from(['digest', 'round_num', 'seen']), inner,
        max_size=3
    ),
    max_leaves=5,
).map(lambda value: json.dumps(value).encode())
_TEXTS = st.sampled_from([
    b'', b'\n', b'{}', b'{}\n', b'[]\n', b'null\n', b'{"round_num": "1"}\n',
    b'{"round_num": 1}', b'[' * 10**5 + b'\n', b'\xff\xfe', b'\x00',
    b'{"digest": 1}', b'{"digest": {}, "num_classes": []}',
    b'--num_rounds=2\n', b'1' * 5000 + b'\n', b'{"round_num": NaN}\n',
])


@st.composite
def _folders(draw):
  """Draws files by their names, one or two of them changed."""
  contents = {name: text.encode() for name, text in _FILES.items()}
  names = st.sampled_from(sorted(_FILES))
  for name in draw(st.lists(names, min_size=1, max_size=2)):
    contents[name] = draw(
        inputs.mutated(_FILES[name].encode()) | _TEXTS | _JSON | st.none()
    )
  return contents


class RunFoldersTest(absltest.TestCase):

  def setUp(self):
    super().setUp()
    self._folder = tempfile.mkdtemp()
    self.addCleanup(shutil.rmtree, self._folder)

  def _read(self, read):
    return inputs.result_or_sentence(read, self._folder)

  def _check_rows(self):
    rows = self._read(lambda: metrics.read_rows(self._folder))
    for row in rows or ():
      self.assertIsInstance(row['round_num'], int)

  def _check_divergence(self):
    found = self._read(lambda: divergence.read(self._folder))
    if found is not None:
      self.assertIsInstance(found['round_num'], int)
      self.assertIsInstance(found['reason'], str)

  def _check_accuracies(self):
    found = self._read(lambda: personal_accuracies.read(self._folder))
    if found is not None:
      for clients in (found['seen'], found['unseen']):
        self.assertTrue(all(0 <= value <= 1 for value in clients.values()))

  @inputs.fuzz('run_folders', _folders())
  def test_run_folders(self, contents):
    for name, content in contents.items():
      path = os.path.join(self._folder, name)
      if content is not None:
        with open(path, 'wb') as file:
          file.write(content)
      elif os.path.exists(path):
        os.remove(path)
    for resume in (False, True):
      self._read(lambda r=resume: run_folder.check(self._folder, _CONFIG, r))
    self._check_rows()
    self._check_divergence()
    self._check_accuracies()
    data = contents[run_data.DATA_FILE]
    self._read(lambda: run_data.check(self._folder, _FEDERATION))
    self._read(lambda: run_data.check_alike([self._folder] * 2))
    if data == _DATA.encode():
      run_data.check(self._folder, _FEDERATION)

  def test_a_whole_folder_is_taken(self):
    for name, text in _FILES.items():
      with open(os.path.join(self._folder, name), 'w') as file:
        file.write(text)
    run_folder.check(self._folder, _CONFIG, resume=True)
    run_data.check(self._folder, _FEDERATION)
    self.assertLen(metrics.read_rows(self._folder), 2)


if __name__ == '__main__':
  absltest.main()
