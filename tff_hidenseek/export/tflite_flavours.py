"""The forms in which a model becomes a TFLite file."""

from typing import Callable, Tuple

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.export import agreement as agreement_lib
from tff_hidenseek.export import flatbuffer_rewrites


class AgreementError(ValueError):
  """A file that does not give what the Keras model gives."""


@attrs.frozen
class Flavour:
  """A form of TFLite file.

  Attributes:
    convert: Maps a folded Keras model and images for calibration to the file.
    min_agreement: The least fraction of images on which it must agree.
    relative_tolerance: The greatest error of a logit that is allowed, in units
      of the largest logit.
    tie: Classes whose logits are closer in Keras, in the same units, count as
      the same: the order of a sum decides between them.
  """

  convert: Callable[[tf.keras.Model, np.ndarray], bytes]
  min_agreement: float
  relative_tolerance: float
  tie: float = 1e-5


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
    'float32': Flavour(_convert_float32, 1.0, 1e-4),
    'float16': Flavour(_convert_float16, 1.0, 1e-2, tie=2e-3),
    'ternary': Flavour(_convert_ternary, 1.0, 1e-4),
    'sparse': Flavour(_convert_sparse, 1.0, 1e-4),
    'dynamic': Flavour(_convert_dynamic, 0.99, 0.2),
    'int8': Flavour(_convert_int8, 0.99, 0.5),
    'int8_int4': Flavour(_convert_int8_int4, 0.97, 0.5),
}


def convert(
    name: str,
    folded: tf.keras.Model,
    calibration_images: np.ndarray,
    images: np.ndarray,
    labels: np.ndarray,
) -> Tuple[bytes, agreement_lib.Agreement]:
  """Converts a model, and lets the file pass only if it agrees with Keras.

  Args:
    name: A name in `FLAVOURS`.
    folded: A model of plain Keras layers.
    calibration_images: float32 images whose activations set integer ranges.
    images: float32 images on which the file is compared with Keras.
    labels: Their classes.

  Returns:
    The file and its agreement.

  Raises:
    AgreementError: If the file does not meet the flavour's bounds.
  """
  flavour = FLAVOURS[name]
  model = flavour.convert(folded, calibration_images)
  expected = folded.predict(images, verbose=0)
  interpreter = agreement_lib.make_interpreter(model)
  logits = agreement_lib.run(interpreter, images)
  result = agreement_lib.compare(logits, expected, labels, flavour.tie)
  bound = flavour.relative_tolerance * float(np.abs(expected).max())
  if (
      result.agreement < flavour.min_agreement
      or not result.max_logit_error <= bound
  ):
    raise AgreementError(
        f'The {name} file must agree with Keras on '
        f'{flavour.min_agreement:.0%} of {len(images)} images, with logits at '
        f'most {bound:.3g} apart; found {result.agreement:.2%} and '
        f'{result.max_logit_error:.3g}. No file was written.'
    )
  return model, result
