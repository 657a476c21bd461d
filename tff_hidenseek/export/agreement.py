"""Whether an exported file gives what the Keras model gives."""

import attrs
import numpy as np


# A class whose logit is that much lower than the best has a probability of 0 in
# float32: one that the client does not have. Its logit says nothing more.
_OUT_OF_REACH = 104.0


class AgreementError(ValueError):
  """A file that does not give what the Keras model gives."""


@attrs.frozen
class Bounds:
  """How far a file's outputs may be from those of Keras.

  Attributes:
    min_agreement: The least fraction of images on which it must agree.
    relative_tolerance: The greatest error of a logit, in units of the largest
      logit of a class that is possible.
    tie: Classes whose logits are closer in Keras, in units of the image's
      largest logit, count as the same: the order of a sum decides between them.
  """

  min_agreement: float = 1.0
  relative_tolerance: float = 1e-4
  tie: float = 1e-5


@attrs.frozen
class Agreement:
  """How far the outputs of a file are those of Keras.

  Attributes:
    agreement: Fraction of images of the same class, ties counted as the same.
    max_logit_error: The largest difference of a logit of a possible class.
    classes: The class the file gives each image.
  """

  agreement: float
  max_logit_error: float
  classes: np.ndarray = attrs.field(eq=False, repr=False)

  def accuracy(self, labels: np.ndarray) -> float:
    """Returns the fraction of the first images that have these labels."""
    return float(np.mean(self.classes[: len(labels)] == labels))


def compare(
    logits: np.ndarray, expected: np.ndarray, tie: float
) -> Agreement:
  """Compares the logits of a file with those of Keras.

  Args:
    logits: float32[num_images, num_classes], of the file.
    expected: The same of Keras.
    tie: See `Bounds`.

  Returns:
    The agreement.
  """
  chosen = logits.argmax(axis=-1)
  best = expected.max(axis=-1)
  of_chosen = np.take_along_axis(expected, chosen[:, np.newaxis], -1)[:, 0]
  tolerance = tie * _possible(np.abs(expected), expected).max(axis=-1)
  return Agreement(
      agreement=float(np.mean(of_chosen >= best - tolerance)),
      max_logit_error=float(
          _possible(np.abs(logits - expected), expected).max()
      ),
      classes=chosen,
  )


def _possible(values: np.ndarray, expected: np.ndarray) -> np.ndarray:
  """Returns values with 0 where a class is impossible by Keras' logits."""
  lowest = expected.max(axis=-1, keepdims=True) - _OUT_OF_REACH
  return np.where(expected > lowest, values, 0)


def check(
    name: str, logits: np.ndarray, expected: np.ndarray, bounds: Bounds
) -> Agreement:
  """Lets a file pass only if it agrees with Keras.

  Args:
    name: What the file is, for the error.
    logits: float32[num_images, num_classes], of the file.
    expected: The same of Keras.
    bounds: What must hold.

  Returns:
    The agreement.

  Raises:
    AgreementError: If it does not hold.
  """
  result = compare(logits, expected, bounds.tie)
  largest_error = bounds.relative_tolerance * float(
      _possible(np.abs(expected), expected).max()
  )
  # Written so that an error which is not a number does not pass.
  if not (
      result.agreement >= bounds.min_agreement
      and result.max_logit_error <= largest_error
  ):
    raise AgreementError(
        f'{name} must agree with Keras on {bounds.min_agreement:.0%} of '
        f'{len(expected)} images, with logits at most {largest_error:.3g} '
        f'apart, found {result.agreement:.2%} and '
        f'{result.max_logit_error:.3g}: no file was written.'
    )
  return result
