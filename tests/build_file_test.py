import collections

from absl.testing import absltest

from tools import build_file
from tools import sources

_HINT = 'run `python -m tools.write_build_file`'


class BuildFileTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.build_files = build_file.read_build_files()
    cls.targets = {
        target.label: target
        for file in cls.build_files for target in file.targets}
    project = sources.read_sources()
    cls.paths = frozenset(source.path for source in project)
    cls.expected = {
        target.label: target
        for target in map(build_file.build_target, project)}

  def assert_no_dep_only_in(self, some, others):
    self.assertEmpty([
        (label, dep) for label, target in some.items() if label in others
        for dep in target.deps - others[label].deps], _HINT)

  def test_every_source_is_in_one_target(self):
    counts = collections.Counter(
        src for target in self.targets.values() for src in target.srcs)
    self.assertEmpty(
        {path: counts[path] for path in self.paths if counts[path] != 1}, _HINT)

  def test_every_src_exists(self):
    self.assertEmpty([
        (label, src) for label, target in self.targets.items()
        for src in target.srcs if src not in self.paths], _HINT)

  def test_every_target_is_called_like_its_source(self):
    self.assertEmpty(self.expected.keys() ^ self.targets.keys(), _HINT)
    self.assertEmpty([
        label for label, target in self.targets.items()
        if target.srcs != self.expected[label].srcs], _HINT)

  def test_no_label_is_used_twice(self):
    self.assertLen(
        self.targets, sum(len(file.targets) for file in self.build_files))

  def test_every_dep_exists(self):
    self.assertEmpty([
        (label, dep) for label, target in self.targets.items()
        for dep in target.deps
        if dep not in self.targets and not dep.startswith('requirement(')])

  def test_every_import_has_its_dep(self):
    self.assert_no_dep_only_in(self.expected, self.targets)

  def test_every_dep_is_imported(self):
    self.assert_no_dep_only_in(self.targets, self.expected)

  def test_tests_and_programs_are_called_so(self):
    self.assertEmpty([
        (label, target.kind) for label, target in self.targets.items()
        if label in self.expected and
        target.kind != self.expected[label].kind], _HINT)

  def test_visibility_states_the_import_arrows(self):
    for file in self.build_files:
      if not file.folder:
        self.assertEqual(file.groups, build_file.build_groups(), _HINT)
      else:
        self.assertEqual(
            file.visibility, build_file.find_visibility(file.folder),
            file.folder)


class ParseBuildFileTest(absltest.TestCase):

  def test_reads_targets_groups_and_visibility(self):
    file = build_file.parse_build_file('a/b', '''
load("@rules_python//python:defs.bzl", "py_library")

package(default_visibility = ["//:users_of_b"])

package_group(
    name = "users",
    packages = ["//c"],
)

py_library(
    name = "x",
    srcs = ["x.py"],
    deps = [
        ":y",
        "//c:z",
        requirement("numpy"),
    ],
)
''')
    self.assertEqual(file, build_file.BuildFile(
        folder='a/b',
        targets=(build_file.Target(
            label='//a/b:x', kind='py_library', srcs=('a/b/x.py',),
            deps=frozenset(
                ['//a/b:y', '//c:z', 'requirement("numpy")'])),),
        visibility=('//:users_of_b',),
        groups={'users': frozenset(['//c'])}))


class BuildTargetTest(absltest.TestCase):

  def test_deps_are_what_is_imported_but_python_itself(self):
    source = sources.Source(
        'tff_hidenseek/layers/x.py', 'tff_hidenseek.layers.x',
        tuple(
            sources.Import(module, 1, False) for module in (
                'os', 'numpy.linalg', 'PIL.Image', 'tff_hidenseek.layers.y',
                'tff_hidenseek.export')),
        is_program=False)
    self.assertEqual(build_file.build_target(source), build_file.Target(
        '//tff_hidenseek/layers:x', 'py_library',
        ('tff_hidenseek/layers/x.py',),
        frozenset([
            'requirement("numpy")', 'requirement("pillow")',
            '//tff_hidenseek/layers:y', '//tff_hidenseek/export:export'])))

  def test_arrows_become_package_groups(self):
    groups = build_file.build_groups()
    self.assertEqual(
        groups['users_of_experiments'], {'//binaries', '//tests/...'})
    self.assertIn('//tff_hidenseek/models', groups['users_of_layers'])
    self.assertNotIn('//tff_hidenseek/layers', groups['users_of_models'])


if __name__ == '__main__':
  absltest.main()
