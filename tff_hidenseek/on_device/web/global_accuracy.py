"""The accuracy of the model that packed signs make, in LiteRT."""

from typing import Callable

import numpy as np

from tff_hidenseek.export import litert


def make_evaluate(
    model: bytes, x: np.ndarray, y: np.ndarray
) -> Callable[[bytes], float]:
  """Returns a function from packed signs to an accuracy.

  Args:
    model: The trainable TFLite file.
    x: Images, float32[n, height, width, channels].
    y: Labels, int[n].
  """
  interpreter = litert.open_content(model)
  set_votes = interpreter.get_signature_runner('set_votes')
  infer = interpreter.get_signature_runner('infer')

  def evaluate(votes):
    set_votes(votes=np.frombuffer(votes, np.uint8))
    return float(np.mean(infer(x=x)['logits'].argmax(axis=-1) == y))

  return evaluate
