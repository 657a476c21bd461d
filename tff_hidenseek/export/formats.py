"""Every format a model is exported to: how it is written, and read back."""

import contextlib
import os
from typing import Any, Callable, Mapping, Optional

import attrs
import numpy as np
import tensorflow as tf

from tff_hidenseek.export import agreement
from tff_hidenseek.export import file_description
from tff_hidenseek.export import finite_weights
from tff_hidenseek.export import folding
from tff_hidenseek.export import litert
from tff_hidenseek.export import serving
from tff_hidenseek.export import tflite_flavours
from tff_hidenseek.export import trainable
from tff_hidenseek import files
from tff_hidenseek.models import seeded_network
from tff_hidenseek.ticket import description as description_lib
from tff_hidenseek.ticket import ticket

PredictFn = Callable[[np.ndarray], np.ndarray]


@attrs.frozen(eq=False)
class Source:
  """What is exported.

  Attributes:
    model: The trained Keras model, of finite weights; else `ValueError`.
    folded: The same of plain Keras layers.
    calibration_images: Real images that set the ranges of integers.
    architecture: What the model is.
    network_options: How its kernels were drawn and pruned; None if it is not
      sign-masked.
    ticket_mask: A name in `ticket.TICKET_MASKS`.
    batch_size: How many examples a step on the device takes.
    description: What a TFLite file says of itself; see `file_description`.
  """

  model: tf.keras.Model = attrs.field(
      validator=lambda source, attribute, model: finite_weights.check(model)
  )
  folded: tf.keras.Model = attrs.field(init=False)
  calibration_images: np.ndarray
  architecture: description_lib.Architecture
  network_options: Optional[seeded_network.NetworkOptions]
  ticket_mask: str
  batch_size: int
  description: Mapping[str, Any]

  @folded.default
  def _fold(self):
    return folding.fold_model(self.model)


@attrs.frozen
class Format:
  """One format.

  Attributes:
    file_name: The file's name.
    write: Writes a source to a path, which does not exist yet.
    read: Makes of a path the function from images to logits.
    bounds: How far these may be from those of Keras.
    is_timed: Whether its latency is compared with that of float32.
  """

  file_name: str
  write: Callable[[Source, str], None]
  read: Callable[[str], PredictFn]
  bounds: agreement.Bounds = agreement.Bounds()
  is_timed: bool = True


def _read_keras(path: str) -> PredictFn:
  model = tf.keras.models.load_model(path, compile=False)
  return lambda images: model.predict(images, verbose=0)


def _write_saved_model(source: Source, path: str) -> None:
  serving.save(source.folded, path)


def _read_saved_model(path: str) -> PredictFn:
  model = tf.saved_model.load(path)
  serve = model.signatures[serving.SIGNATURE]

  def predict(images):
    return serve(**{serving.INPUT: tf.constant(images)})[serving.OUTPUT].numpy()

  return predict


def _check_is_sign_masked(source: Source) -> None:
  if source.network_options is None:
    raise ValueError(
        'The model must be one of hidenseek, whose weights follow from a seed '
        'and signs.'
    )


def _write_ticket(source: Source, path: str) -> None:
  _check_is_sign_masked(source)
  ticket.save_ticket(
      path,
      source.model,
      source.architecture,
      source.network_options,
      source.ticket_mask,
  )


def _read_ticket(path: str) -> PredictFn:
  model = ticket.load_ticket(path)
  return lambda images: model.predict(images, verbose=0)


def _write_trainable(source: Source, path: str) -> None:
  _check_is_sign_masked(source)
  content = trainable.convert_trainable(source.model, source.batch_size)
  _write_tflite(content, source, path)


def _write_tflite(content: bytes, source: Source, path: str) -> None:
  with open(path, 'wb') as output:
    output.write(file_description.attach(content, source.description))


def _read_trainable(path: str) -> PredictFn:
  return litert.make_predict_fn(path, 'infer', 'x', 'logits')


def _read_tflite(path: str) -> PredictFn:
  return litert.make_predict_fn(
      path, serving.SIGNATURE, serving.INPUT, serving.OUTPUT
  )


def _tflite_format(name: str, flavour: tflite_flavours.Flavour) -> Format:
  def write(source, path):
    content = flavour.convert(source.folded, source.calibration_images)
    _write_tflite(content, source, path)

  return Format(f'model_{name}.tflite', write, _read_tflite, flavour.bounds)


FORMATS = {
    'keras': Format(
        'model.keras',
        lambda source, path: source.folded.save(path, save_format='keras'),
        _read_keras,
        is_timed=False,
    ),
    'saved_model': Format(
        'saved_model',
        _write_saved_model,
        _read_saved_model,
        is_timed=False,
    ),
    'ticket': Format(
        'model.ticket', _write_ticket, _read_ticket, is_timed=False
    ),
    **{
        f'tflite_{name}': _tflite_format(name, flavour)
        for name, flavour in tflite_flavours.FLAVOURS.items()
    },
    'tflite_trainable': Format(
        'model_trainable.tflite',
        _write_trainable,
        _read_trainable,
        is_timed=False,
    ),
}


def export(
    name: str,
    source: Source,
    output_dir: str,
    images: np.ndarray,
    expected: np.ndarray,
) -> agreement.Agreement:
  """Writes a format, if what can be read back agrees with Keras.

  Args:
    name: A name in `FORMATS`.
    source: What is exported.
    output_dir: The folder, which exists.
    images: float32 images on which the file is compared.
    expected: Keras' logits for them.

  Returns:
    How far the file agrees.

  Raises:
    ValueError: If the model cannot have the format, or `AgreementError` if the
      file does not agree. Nothing is left in the folder then.
    OSError: If the file cannot be written, likewise.
  """
  form = FORMATS[name]
  path = os.path.join(output_dir, form.file_name)
  with _write_errors(path), files.replace_when_whole(path) as unfinished:
    form.write(source, unfinished)
    logits = form.read(unfinished)(images)
    return agreement.check(name, logits, expected, form.bounds)


@contextlib.contextmanager
def _write_errors(path: str):
  """Says in a sentence which file a full disk has no room for."""
  try:
    yield
  except (OSError, tf.errors.OpError) as error:
    raise OSError(
        f'{path} could not be written, but files that were there are whole '
        f'({type(error).__name__}: {str(error).splitlines()[0]}).'
    ) from error
