"""Keras files, those of older TensorFlow too."""

import os
import shutil
import tempfile
import zipfile

import h5py
import tensorflow as tf

# They register the layers that a file may name.
from tff_hidenseek.layers import class_prior  # noqa: F401
from tff_hidenseek.layers import sign_masked_conv2d  # noqa: F401
from tff_hidenseek.layers import sign_masked_dense  # noqa: F401

_WEIGHTS = 'model.weights.h5'
# Where the layers' weights are in a file of Keras 2.14, and of tf-keras 2.21.
_OLD_GROUP = '_layer_checkpoint_dependencies'
_GROUP = 'layers'


def load_keras_model(path: str) -> tf.keras.Model:
  """Loads a `.keras` file that this project wrote, whatever its version.

  `tf.keras.models.load_model` reads the files of today. It does not find the
  weights of a functional model that TensorFlow 2.14 saved, which call the group
  of the layers otherwise. The file itself is not changed.

  Args:
    path: The path of a `.keras` file.

  Returns:
    The model, which is not compiled.

  Raises:
    ValueError: If there is no such file, or it is no `.keras` file.
  """
  if not os.path.isfile(path):
    raise ValueError(f'`path` must be a .keras file, found no file {path}.')
  if not zipfile.is_zipfile(path):
    raise ValueError(
        f'`path` must be a .keras file, found something else in {path}.'
    )
  with tempfile.TemporaryDirectory() as folder:
    return tf.keras.models.load_model(_mend(path, folder), compile=False)


def _mend(path, folder):
  """Returns the path of a file as tf-keras has them today."""
  with zipfile.ZipFile(path) as archive:
    if _WEIGHTS not in archive.namelist():
      raise ValueError(
          f'`path` must be a .keras file, found no {_WEIGHTS} in {path}.'
      )
    weights = archive.extract(_WEIGHTS, folder)
    with h5py.File(weights, 'r+') as file:
      old = []
      file.visit(lambda name: old.append(name) if _is_old(name) else None)
      # Inner models first: renaming an outer one moves their names.
      for name in sorted(old, key=len, reverse=True):
        file.move(name, name[: -len(_OLD_GROUP)] + _GROUP)
    if not old:
      return path
    mended = os.path.join(folder, 'mended.keras')
    with zipfile.ZipFile(mended, 'w') as copy:
      for name in archive.namelist():
        with copy.open(name, 'w') as output:
          with open(weights, 'rb') if name == _WEIGHTS else archive.open(
              name
          ) as content:
            shutil.copyfileobj(content, output)
  return mended


def _is_old(name):
  return name.rpartition('/')[2] == _OLD_GROUP
