"""Lets a program import TensorFlow Federated before `tff_hidenseek`.

TFF 0.87.0 cannot be imported on TensorFlow 2.21 until
`tff_hidenseek.tensorflow_stack` has prepared for it. The installed .pth file
imports this module when Python starts, which does nothing but wait: the import
of `tensorflow_federated`, whoever asks for it, imports `tff_hidenseek` first.
"""

import importlib
import sys


class _Finder:
  """Finds nothing itself."""

  @staticmethod
  def find_spec(name, path=None, target=None):
    del path, target
    if name in ('tensorflow_federated', 'tff_hidenseek'):
      sys.meta_path.remove(_Finder)
      if name == 'tensorflow_federated':
        importlib.import_module('tff_hidenseek')

        # That put a finder in front, which has not been asked yet.
        return sys.meta_path[0].find_spec(name)
    return None


sys.meta_path.insert(0, _Finder)
