"""Says, before any download, whether the project can run on this machine.

Needs the standard library alone and is written so that any Python since 2.7 can
read it: a machine with the wrong Python must get a sentence, not a traceback.
"""
from __future__ import print_function

import collections
import os
import platform
import sys
import tempfile

_GIB = float(2 ** 30)
# TensorFlow Federated 0.87.0's one wheel: manylinux_2_31_x86_64.
_MIN_GLIBC = (2, 31)
_PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13))
_INSTALL_GIB = 3.0
_DOWNLOAD_GIB = 1.0

Facts = collections.namedtuple('Facts', [
    'python',  # (major, minor).
    'implementation',  # 'CPython'.
    'is_64_bit',
    'system',  # 'Linux'.
    'machine',  # 'x86_64'.
    'glibc',  # (major, minor); None if unknown or another C library.
    'has_avx',  # None if unknown.
    'has_venv',
    'free_gib',  # On the disk that holds the current folder.
    'temporary_folder',
    'temporary_gib',
])


def read_facts():
  """Returns the `Facts` of this machine and this interpreter."""
  temporary_folder = tempfile.gettempdir()
  return Facts(
      python=tuple(sys.version_info[:2]),
      implementation=platform.python_implementation(),
      is_64_bit=sys.maxsize > 2 ** 32,
      system=platform.system(),
      machine=platform.machine(),
      glibc=_read_glibc(),
      has_avx=_read_avx('/proc/cpuinfo'),
      has_venv=_has_venv(),
      free_gib=_free_gib(os.curdir),
      temporary_folder=temporary_folder,
      temporary_gib=_free_gib(temporary_folder))


def find_machine_faults(facts):
  """Returns a sentence with its remedy for each fault of the machine."""
  faults = []
  if (facts.system != 'Linux' or facts.machine != 'x86_64' or
      not facts.is_64_bit):
    faults.append(
        'This needs 64-bit Linux on x86-64, found %s %s with %d-bit Python: '
        'TensorFlow Federated has wheels for no other; use such a machine, a '
        'virtual one or a container.' % (
            facts.system, facts.machine, 64 if facts.is_64_bit else 32))
  elif facts.glibc is None and facts.python >= (3,):  # 2.7 cannot tell.
    faults.append(
        'This needs the GNU C library (glibc) 2.31 or newer, found another C '
        'library: use Debian 11, Ubuntu 20.04, Fedora 32 or newer, or a '
        'container of one.')
  elif facts.glibc is not None and facts.glibc < _MIN_GLIBC:
    faults.append(
        'This needs glibc 2.31 or newer, found %d.%d: use Debian 11, Ubuntu '
        '20.04, Fedora 32 or newer, or a container of one.' % facts.glibc)
  if facts.has_avx is False:
    faults.append(
        "This needs a processor with AVX, which TensorFlow's wheels use, and "
        'found one without it: use another machine, or let the virtual one '
        "have its host's processor model.")
  return faults


def find_python_faults(facts):
  """Returns a sentence with its remedy if this interpreter does not do."""
  python = '%d.%d' % facts.python
  if facts.python not in _PYTHONS:
    return [
        'This needs Python 3.10, 3.11, 3.12 or 3.13, found %s: install one of '
        'them and run `make PYTHON=/path/to/python3.12`.' % python]
  if facts.implementation != 'CPython':
    return [
        'This needs CPython, found %s: install it and run '
        '`make PYTHON=/path/to/python3.12`.' % facts.implementation]
  return find_venv_faults(facts)


def find_venv_faults(facts):
  """Returns a sentence with its remedy if no environment can be made."""
  if facts.has_venv:
    return []
  python = '%d.%d' % facts.python
  return [
      'This Python %s lacks venv or ensurepip: install them (Debian and '
      'Ubuntu: `apt-get install python%s-venv`).' % (python, python)]


def find_disk_faults(facts):
  """Returns a sentence with its remedy for each disk that is too full."""
  faults = []
  if facts.free_gib < _INSTALL_GIB:
    faults.append(
        'This needs %.1f GiB of free disk in the project folder, found %.1f: '
        'free some.' % (_INSTALL_GIB, facts.free_gib))
  if facts.temporary_gib < _DOWNLOAD_GIB:
    faults.append(
        'This needs %.1f GiB of free disk in %s while it installs, found %.1f: '
        'free some, or set TMPDIR to a folder on a larger disk.' % (
            _DOWNLOAD_GIB, facts.temporary_folder, facts.temporary_gib))
  return faults


def find_faults(facts):
  """Returns a sentence with its remedy for each thing that must change."""
  return (
      find_machine_faults(facts) + find_python_faults(facts) +
      find_disk_faults(facts))


def main(argv):
  facts = read_facts()
  if argv == ['--any_python']:  # It is to fetch another one, which needs venv.
    faults = (
        find_machine_faults(facts) + find_venv_faults(facts) +
        find_disk_faults(facts))
  else:
    faults = find_faults(facts)
  for fault in faults:
    print(fault, file=sys.stderr)
  return 1 if faults else 0


def _read_glibc():
  try:
    name, version = os.confstr('CS_GNU_LIBC_VERSION').split()
    major, minor = version.split('.')[:2]
    return (int(major), int(minor)) if name == 'glibc' else None
  except (AttributeError, OSError, ValueError):
    return None


def _read_avx(cpuinfo):
  try:
    with open(cpuinfo) as lines:
      for line in lines:
        if line.startswith('flags'):
          return 'avx' in line.split()
  except (IOError, OSError):
    pass
  return None


def _has_venv():
  try:
    # pylint: disable=unused-import,g-import-not-at-top
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
  except ImportError:
    return False
  return True


def _free_gib(folder):
  state = os.statvfs(folder)
  return state.f_bavail * state.f_frsize / _GIB


if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
