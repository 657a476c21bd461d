"""HideNseek: federated training of sign masks over frozen weights."""

import importlib

from tff_hidenseek import tensorflow_stack

tensorflow_stack.prepare()

__version__ = '0.11.0'

# What is offered here: a module, or a function of one.
_OFFERED = {
    'architectures': 'models.architectures',
    'client_data': 'learning.client_data',
    'federated_algorithm': 'learning.federated_algorithm',
    'hidenseek': 'algorithms.hidenseek.hidenseek',
    'hidenseek_options': 'algorithms.hidenseek.hidenseek_options',
    'in_process': 'runtimes.in_process',
    'layers': 'layers',
    'load_keras_model': 'models.keras_files:load_keras_model',
    'load_ticket': 'ticket.ticket:load_ticket',
    'sign_votes': 'algorithms.sign_votes',
}


def __getattr__(name):
  """Imports what is offered here when it is used: TensorFlow loads slowly."""
  if name not in _OFFERED:
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
  module, _, member = _OFFERED[name].partition(':')
  value = importlib.import_module(f'{__name__}.{module}')
  return getattr(value, member) if member else value


def __dir__():
  return sorted([*globals(), *_OFFERED])
