import collections
import os
import re
import types

from absl.testing import absltest

from tests import build_rules
from tools import build_file
from tools import sources
from tools import write_build_file

_HINT = 'run `python -m tools.write_build_file`'


def _read(path):
  with open(os.path.join(sources.ROOT, path), encoding='utf-8') as file:
    return file.read()


class WrittenFilesTest(absltest.TestCase):

  def test_are_up_to_date(self):
    expected = write_build_file.format_build_files(build_file.build_targets())
    self.assertCountEqual(build_rules.find_build_files(), expected, _HINT)
    for path, text in expected.items():
      self.assertEqual(_read(path), text, _HINT)


class RulesTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    rules = build_rules.read_rules()
    cls.rules = {rule.label: rule for rule in rules}
    cls.project = {source.path: source for source in sources.read_sources()}
    cls.owners = {
        path: rule.label for rule in rules for path in rule.srcs}
    assert len(cls.rules) == len(rules), 'A label is used twice.'

  def find_needed(self, path):
    """Returns the labels of a source's target and of its deps."""
    label = self.owners[path]
    return self.rules[label].deps | {label}

  def test_every_source_is_in_exactly_one(self):
    counts = collections.Counter(
        path for rule in self.rules.values() for path in rule.srcs)
    self.assertEqual(counts, collections.Counter(self.project.keys()), _HINT)

  def test_every_import_of_the_project_is_in_deps(self):
    paths = {source.module: path for path, source in self.project.items()}
    self.assertEmpty([
        (path, imported.module) for path, source in self.project.items()
        for imported in source.imports
        if sources.is_ours(imported.module) and
        self.owners[paths[imported.module]] not in self.find_needed(path)
    ], _HINT)

  def test_every_import_of_a_package_is_in_deps(self):
    missing = []
    for path, source in self.project.items():
      for imported in source.imports:
        top = imported.module.partition('.')[0]
        if not (sources.is_ours(top) or sources.is_part_of_python(top)):
          name = re.sub('[-.]', '_', sources.DISTRIBUTIONS[top])
          label = f'@pip//{name}:{name}'
          if label not in self.find_needed(path):
            missing.append((path, label))
    self.assertEmpty(missing, _HINT)

  def test_every_dep_exists(self):
    packages = {
        re.sub('[-_.]+', '_', name).lower()
        for name in re.findall(
            r'^([\w.-]+)==', _read('requirements.txt'), re.MULTILINE)}
    known = self.rules.keys() | {f'@pip//{name}:{name}' for name in packages}
    self.assertEmpty([
        (label, rule.deps - known) for label, rule in self.rules.items()
        if rule.deps - known])

  def test_deps_are_no_circle(self):
    graph = {
        label: rule.deps & self.rules.keys()
        for label, rule in self.rules.items()}
    while True:
      done = {label for label, deps in graph.items() if not deps & graph.keys()}
      if not done:
        break
      graph = {label: graph[label] for label in graph.keys() - done}
    self.assertEmpty(graph)

  def test_every_test_file_is_a_test(self):
    self.assertCountEqual(
        [rule.srcs for rule in self.rules.values() if rule.kind == 'py_test'],
        [{path} for path in self.project if path.endswith('_test.py')])

  def test_every_installed_command_is_a_program(self):
    commands = re.findall(r'"binaries\.(\w+):', _read('pyproject.toml'))
    self.assertNotEmpty(commands)
    for command in commands:
      self.assertEqual(
          self.rules[f'//binaries:{command}'].kind, 'py_binary', command)


class ModuleTest(absltest.TestCase):

  def test_has_every_supported_python_and_the_lock(self):
    calls = collections.defaultdict(list)

    def _use_extension(path, name):
      del path
      return types.SimpleNamespace(**{
          tag: lambda tag=tag, **given: calls[f'{name}.{tag}'].append(given)
          for tag in ('defaults', 'parse', 'toolchain')})

    exec(_read('MODULE.bazel'), {  # pylint: disable=exec-used
        'module': lambda **_: None, 'bazel_dep': lambda **_: None,
        'use_extension': _use_extension, 'use_repo': lambda *_: None})
    first, last = map(int, re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"',
        _read('pyproject.toml')).groups())
    versions = [f'3.{minor}' for minor in range(first, last)]
    for name in ('python.toolchain', 'pip.parse'):
      self.assertEqual(
          [call['python_version'] for call in calls[name]], versions)
    self.assertIn(calls['python.defaults'][0]['python_version'], versions)
    for call in calls['pip.parse']:
      self.assertEqual(call['requirements_lock'], '//:requirements.txt')


class BuildTargetsTest(absltest.TestCase):

  def _build(self, **imports):
    """Builds the targets of modules, given what each imports."""
    project = [
        sources.Source(
            name.replace('__', '/') + '.py',
            name.replace('__', '.').replace('.init', ''),
            tuple(sources.Import(module, 1, False) for module in modules),
            is_program=False)
        for name, modules in imports.items()]
    return {
        target.label: target for target in build_file.build_targets(
            project, self.create_tempdir().full_path)}

  def test_deps_are_what_is_imported_but_python_itself(self):
    targets = self._build(
        tff_hidenseek__layers__x=[
            'os', 'numpy.linalg', 'PIL.Image', 'tff_hidenseek.layers.y',
            'tff_hidenseek.data.z'],
        tff_hidenseek__layers__y=[], tff_hidenseek__data__z=[])
    self.assertEqual(targets['//tff_hidenseek/layers'].deps, {
        '//tff_hidenseek/data', '@pip//numpy', '@pip//pillow'})

  def test_a_room_has_all_that_lies_below(self):
    targets = self._build(tff_hidenseek__a__x=[], tff_hidenseek__a__b__y=[])
    self.assertCountEqual(
        targets['//tff_hidenseek/a'].paths,
        ['tff_hidenseek/a/x.py', 'tff_hidenseek/a/b/y.py'])

  def test_tf_keras_comes_with_what_chooses_it(self):
    targets = self._build(tff_hidenseek__tensorflow_stack=['tensorflow'])
    self.assertEqual(
        targets['//tff_hidenseek'].deps,
        {'@pip//tensorflow_cpu', '@pip//tf_keras'})


if __name__ == '__main__':
  absltest.main()
