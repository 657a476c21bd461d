"""Validated options that several algorithms share.

The binaries make their flags from these classes: a field is a flag, and its
help, which is the option's only explanation, the flag's help. Checks run once,
when an object is made.
"""

import math
from typing import Any, Optional, Sequence

import attrs

from tff_hidenseek.learning import client_optimizers

# No count can be greater: TensorFlow has 32 bits for many of them.
_LARGEST_COUNT = 2**31 - 1


def option(
    default: Any,
    help_text: str,
    *,
    minimum: Optional[float] = None,
    above: Optional[float] = None,
    maximum: Optional[float] = None,
    choices: Optional[Sequence[str]] = None,
) -> Any:
  """Declares one option.

  Args:
    default: Its default, whose type is the option's type.
    help_text: One sentence for `--help`.
    minimum: The least value allowed.
    above: A value that is itself too small.
    maximum: The greatest value allowed.
    choices: The values allowed.

  Returns:
    An attrs field that raises `ValueError` on any other value.
  """
  if maximum is None and type(default) is int:
    maximum = _LARGEST_COUNT

  def validate(
      instance: object, attribute: 'attrs.Attribute[Any]', value: Any
  ) -> None:
    del instance
    rule = None
    if isinstance(value, float) and not math.isfinite(value):
      rule = 'a finite number'
    elif choices is not None and value not in choices:
      rule = f'one of {", ".join(choices)}'
    elif minimum is not None and not value >= minimum:
      rule = f'at least {minimum}'
    elif above is not None and not value > above:
      rule = f'greater than {above}'
    elif maximum is not None and not value <= maximum:
      rule = f'at most {maximum}'
    if rule is not None:
      raise ValueError(f'`{attribute.name}` must be {rule}, found {value!r}.')

  return attrs.field(
      default=default,
      validator=validate,
      metadata={'help': help_text, 'choices': choices},
  )


def client_optimizer_option(default: str) -> Any:
  """Declares the optimizer of the local training."""
  return option(
      default,
      'Optimizer of a client\'s local training, new in every round.',
      choices=tuple(client_optimizers.CLIENT_OPTIMIZERS),
  )


def client_learning_rate_option(default: float) -> Any:
  """Declares the step size of the local training."""
  return option(
      default, 'Learning rate of a client\'s local training.', above=0
  )


def kernel_gain_option() -> Any:
  """Declares the scale of frozen weights."""
  return option(
      1.0,
      'Size of the frozen weights; at 1 a layer\'s outputs vary as much as '
      'after He initialisation.',
      above=0,
  )


def class_prior_option(default: bool) -> Any:
  """Declares whether the frequencies of a client's classes are used."""
  return option(
      default,
      'Add the log frequencies of a client\'s own classes to its logits, in '
      'its loss and in its own model (balanced softmax).',
  )


@attrs.frozen(kw_only=True)
class LocalTrainingOptions:
  """How a client trains on its own examples."""

  client_optimizer: str = client_optimizer_option('sgd')
  client_learning_rate: float = client_learning_rate_option(0.1)
  client_momentum: float = option(
      0.9,
      'Part of its velocity that a client\'s local training keeps in a step '
      '(client_optimizer=momentum).',
      minimum=0,
      maximum=0.9999,
  )
  num_epochs: int = option(
      1, 'How often a client sees each of its examples in a round.', minimum=1
  )
  batch_size: int = option(
      32, 'Examples of a step of the local training.', minimum=1
  )
  class_prior: bool = class_prior_option(False)
