import os
import re

from absl.testing import absltest

from tools import sources

# The data sets' loader of federated EMNIST is TFF's.
_LAZY_TFF_USERS = ('tff_hidenseek.data.emnist',)


def _place(source, imported):
  return f'{source.path}:{imported.line}: {imported.module}'


def _own_imports(source):
  return [i for i in source.imports if sources.is_ours(i.module)]


def _is_tff(imported):
  return imported.module.partition('.')[0] == 'tensorflow_federated'


class ImportDirectionsTest(absltest.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    cls.sources = sources.read_sources()
    cls.by_module = {source.module: source for source in cls.sources}

  def test_finds_the_sources(self):
    self.assertIn('tff_hidenseek.layers.sign_ops', self.by_module)
    self.assertIn(__name__, self.by_module)
    (imported,) = [
        i for i in self.by_module[__name__].imports
        if i.module == 'tools.sources']
    self.assertFalse(imported.is_lazy)

  def test_imports_point_down(self):
    self.assertEmpty([
        _place(source, i) for source in self.sources
        for i in _own_imports(source)
        if not sources.may_import(source.module, i.module)])

  def test_imported_modules_of_the_project_exist(self):
    self.assertEmpty([
        _place(source, i) for source in self.sources
        for i in _own_imports(source) if i.module not in self.by_module])

  def test_lower_packages_do_without_tff(self):
    for source in self.sources:
      if sources.is_tff_free(source.module):
        self.assertEmpty([
            _place(source, i) for i in source.imports if _is_tff(i) and
            not (source.module in _LAZY_TFF_USERS and i.is_lazy)])

  def test_only_commands_use_flags(self):
    for source in self.sources:
      if (source.module.startswith('tff_hidenseek') and
          not source.module.startswith('tff_hidenseek.commands')):
        self.assertEmpty([
            _place(source, i) for i in source.imports
            if i.module in ('absl.app', 'absl.flags')])

  def test_no_module_imports_itself_in_a_circle(self):
    graph = {
        source.module: {i.module for i in _own_imports(source)}
        for source in self.sources}
    # Taking away what imports nothing that is left must take away everything.
    while True:
      done = {
          module for module, used in graph.items() if not used & graph.keys()}
      if not done:
        break
      graph = {m: used for m, used in graph.items() if m not in done}
    self.assertEmpty(graph)

  def test_relative_imports_are_not_used(self):
    self.assertEmpty([
        _place(source, i) for source in self.sources
        for i in source.imports if i.module.startswith('.')])

  def test_packages_from_the_index_are_in_requirements(self):
    with open(
        os.path.join(sources.ROOT, 'requirements.in'), encoding='utf-8'
    ) as file:
      required = {
          re.split('[=<>]', line)[0].strip() for line in file}
    for source in self.sources:
      for i in source.imports:
        if not (sources.is_ours(i.module) or
                sources.is_part_of_python(i.module)):
          top = i.module.partition('.')[0]
          self.assertIn(top, sources.DISTRIBUTIONS, _place(source, i))
          self.assertIn(
              sources.DISTRIBUTIONS[top], required, _place(source, i))


class MayImportTest(absltest.TestCase):

  def test_arrows_point_down(self):
    self.assertTrue(
        sources.may_import(
            'tff_hidenseek.models.x', 'tff_hidenseek.layers.y'))
    self.assertFalse(
        sources.may_import(
            'tff_hidenseek.layers.y', 'tff_hidenseek.models.x'))

  def test_learning_does_not_know_data(self):
    self.assertFalse(
        sources.may_import('tff_hidenseek.learning.x', 'tff_hidenseek.data.y'))

  def test_export_does_not_know_what_needs_tff(self):
    self.assertFalse(
        sources.may_import(
            'tff_hidenseek.export.x', 'tff_hidenseek.learning.y'))

  def test_nothing_imports_programs_but_programs_and_tests(self):
    self.assertTrue(sources.may_import('binaries.x', 'binaries.y'))
    self.assertTrue(sources.may_import('tests.binaries.x', 'binaries.y'))
    self.assertFalse(
        sources.may_import('tff_hidenseek.experiments.x', 'binaries.y'))

  def test_nothing_imports_tests_but_tests(self):
    self.assertTrue(sources.may_import('tests.layers.x', 'tests.y'))
    self.assertFalse(sources.may_import('binaries.x', 'tests.y'))


if __name__ == '__main__':
  absltest.main()
