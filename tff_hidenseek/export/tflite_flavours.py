"""The forms in which a model becomes a TFLite file."""

import os
import tempfile
from typing import Callable

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.export import agreement
from tff_hidenseek.export import flatbuffer_rewrites
from tff_hidenseek.export import group_normalization
from tff_hidenseek.export import serving


@attrs.frozen
class Flavour:
  """A form of TFLite file.

  Attributes:
    convert: Maps a folded Keras model and images for calibration to the file.
    bounds: How far its outputs may be from those of Keras.
  """

  convert: Callable[[tf.keras.Model, np.ndarray], bytes]
  bounds: agreement.Bounds


def _convert(model: tf.keras.Model, **settings) -> bytes:
  """Converts a model of any batch size; `settings` are the converter's."""
  with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, 'saved_model')
    serving.save(group_normalization.replace(model), path)
    converter = tf.lite.TFLiteConverter.from_saved_model(path)
    for name, value in settings.items():
      setattr(converter, name, value)
    return converter.convert()


def _convert_float32(model, calibration_images):
  del calibration_images
  return _convert(model)


def _convert_float16(model, calibration_images):
  del calibration_images
  target = tf.lite.TargetSpec(supported_types=[tf.float16])
  return _convert(
      model, optimizations=[tf.lite.Optimize.DEFAULT], target_spec=target
  )


def _check_has_signs(model: tf.keras.Model) -> None:
  """Raises `ValueError` if no layer has weights of one magnitude."""
  for layer in model.layers:
    if hasattr(layer, 'kernel'):
      magnitudes = np.unique(np.abs(layer.kernel.numpy()))
      if np.count_nonzero(magnitudes) == 1:
        return
  raise ValueError(
      'The model must have a layer whose weights are all of one magnitude, to '
      'store them as signs, found none: hidenseek with '
      '--kernel_distribution=ternary trains such models.'
  )


def _convert_ternary(model, calibration_images):
  _check_has_signs(model)
  return flatbuffer_rewrites.store_signs_as_int8(
      _convert_float32(model, calibration_images)
  )


def _convert_ternary2(model, calibration_images):
  _check_has_signs(model)
  return flatbuffer_rewrites.store_dense_signs_as_int2(
      _convert_float32(model, calibration_images), has_integer_activations=False
  )


def _convert_sparse(model, calibration_images):
  del calibration_images
  return _convert(
      model, optimizations=[tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
  )


def _convert_dynamic(model, calibration_images):
  del calibration_images
  return _convert(model, optimizations=[tf.lite.Optimize.DEFAULT])


def _convert_int8(model, calibration_images):
  return _convert(
      model,
      optimizations=[tf.lite.Optimize.DEFAULT],
      representative_dataset=lambda: (
          {serving.INPUT: image[np.newaxis]} for image in calibration_images
      ),
  )


def _convert_int2(model, calibration_images):
  _check_has_signs(model)
  return flatbuffer_rewrites.store_dense_signs_as_int2(
      _convert_float32(model, calibration_images), has_integer_activations=True
  )


FLAVOURS = {
    'float32': Flavour(_convert_float32, agreement.Bounds()),
    # Gaussian weights are rounded; ternary ones are exact in float16.
    'float16': Flavour(
        _convert_float16, agreement.Bounds(relative_tolerance=1e-2, tie=2e-3)
    ),
    'ternary': Flavour(_convert_ternary, agreement.Bounds()),
    'ternary2': Flavour(_convert_ternary2, agreement.Bounds()),
    'sparse': Flavour(_convert_sparse, agreement.Bounds()),
    'dynamic': Flavour(
        _convert_dynamic, agreement.Bounds(0.99, relative_tolerance=0.1)
    ),
    'int8': Flavour(
        _convert_int8, agreement.Bounds(0.99, relative_tolerance=0.5)
    ),
    'int2': Flavour(
        _convert_int2, agreement.Bounds(0.99, relative_tolerance=0.1)
    ),
}
