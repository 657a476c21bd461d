"""The forms in which a model becomes a TFLite file."""

from typing import Callable

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.export import agreement
from tff_hidenseek.export import flatbuffer_rewrites


@attrs.frozen
class Flavour:
  """A form of TFLite file.

  Attributes:
    convert: Maps a folded Keras model and images for calibration to the file.
    bounds: How far its outputs may be from those of Keras.
  """

  convert: Callable[[tf.keras.Model, np.ndarray], bytes]
  bounds: agreement.Bounds


def _converter(model: tf.keras.Model) -> tf.lite.TFLiteConverter:
  # Delegates, and group normalisation, need to know the size of a batch.
  one_image = tf.keras.Input(batch_shape=[1, *model.input_shape[1:]])
  fixed = tf.keras.models.clone_model(model, input_tensors=[one_image])
  fixed.set_weights(model.get_weights())
  return tf.lite.TFLiteConverter.from_keras_model(fixed)


def _convert_float32(model, calibration_images):
  del calibration_images
  return _converter(model).convert()


def _convert_float16(model, calibration_images):
  del calibration_images
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.target_spec.supported_types = [tf.float16]
  return converter.convert()


def _convert_ternary(model, calibration_images):
  return flatbuffer_rewrites.store_signs_as_int8(
      _convert_float32(model, calibration_images)
  )


def _convert_sparse(model, calibration_images):
  del calibration_images
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY]
  return converter.convert()


def _convert_dynamic(model, calibration_images):
  del calibration_images
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  # With a scale for each channel, convolutions whose channels all have the same
  # scale (ours) give zeros in TensorFlow Lite 2.14.
  converter._experimental_disable_per_channel = True  # pylint: disable=protected-access
  return converter.convert()


def _convert_int8(model, calibration_images):
  converter = _converter(model)
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.representative_dataset = lambda: (
      [image[np.newaxis]] for image in calibration_images
  )
  return converter.convert()


def _convert_int8_int4(model, calibration_images):
  return flatbuffer_rewrites.store_weights_as_int4(
      _convert_int8(model, calibration_images)
  )


FLAVOURS = {
    'float32': Flavour(_convert_float32, agreement.Bounds()),
    # Gaussian weights are rounded; ternary ones are exact in float16.
    'float16': Flavour(
        _convert_float16, agreement.Bounds(relative_tolerance=1e-2, tie=2e-3)
    ),
    'ternary': Flavour(_convert_ternary, agreement.Bounds()),
    'sparse': Flavour(_convert_sparse, agreement.Bounds()),
    'dynamic': Flavour(
        _convert_dynamic, agreement.Bounds(0.99, relative_tolerance=0.2)
    ),
    'int8': Flavour(
        _convert_int8, agreement.Bounds(0.99, relative_tolerance=0.5)
    ),
    'int8_int4': Flavour(
        _convert_int8_int4, agreement.Bounds(0.97, relative_tolerance=0.5)
    ),
}
