"""Keras layers whose only trainable state is a score for each kept weight."""

import importlib
from typing import Any, List

_MODULES = {
    'SignMaskedConv2D': 'sign_masked_conv2d',
    'SignMaskedDense': 'sign_masked_dense',
}


def __getattr__(name: str) -> Any:
  """Imports a layer when it is used: TensorFlow loads slowly."""
  if name not in _MODULES:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  return getattr(importlib.import_module(f'{__name__}.{_MODULES[name]}'), name)


def __dir__() -> List[str]:
  return sorted([*globals(), *_MODULES])
