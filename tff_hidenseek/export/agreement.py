"""Whether a TFLite file gives what the Keras model gives."""

import attrs
import numpy as np
import tensorflow as tf


@attrs.frozen
class Agreement:
  """How far the outputs of a file are those of Keras.

  Attributes:
    agreement: Fraction of images of the same class, ties counted as the same.
    max_logit_error: The largest difference of a logit.
    accuracy: Fraction of images that the file classifies correctly.
  """

  agreement: float
  max_logit_error: float
  accuracy: float


def compare(
    logits: np.ndarray, expected: np.ndarray, labels: np.ndarray, tie: float
) -> Agreement:
  """Compares logits of a file with those of Keras.

  Args:
    logits: float32[num_images, num_classes], of the file.
    expected: The same of Keras.
    labels: The true classes, int32[num_images].
    tie: Classes count as the same whose logits in Keras differ by at most this,
      in units of the image's largest logit.

  Returns:
    The agreement.
  """
  chosen = logits.argmax(axis=-1)
  best = expected.max(axis=-1)
  of_chosen = np.take_along_axis(expected, chosen[:, np.newaxis], -1)[:, 0]
  tolerance = tie * np.abs(expected).max(axis=-1)
  return Agreement(
      agreement=float(np.mean(of_chosen >= best - tolerance)),
      max_logit_error=float(np.abs(logits - expected).max()),
      accuracy=float(np.mean(chosen == labels)),
  )


def make_interpreter(model: bytes) -> tf.lite.Interpreter:
  """Returns an interpreter of one thread, ready for single images."""
  interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
  interpreter.allocate_tensors()
  return interpreter


def run(interpreter: tf.lite.Interpreter, images: np.ndarray) -> np.ndarray:
  """Returns the logits of images, computed one image at a time."""
  input_index = interpreter.get_input_details()[0]['index']
  output_index = interpreter.get_output_details()[0]['index']
  logits = []
  for image in images:
    interpreter.set_tensor(input_index, image[np.newaxis])
    interpreter.invoke()
    logits.append(interpreter.get_tensor(output_index)[0])
  return np.stack(logits)
