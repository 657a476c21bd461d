"""HideNseek: federated training of sign masks over frozen weights."""

from tff_hidenseek import tensorflow_stack

tensorflow_stack.prepare()


def __getattr__(name):
  """Imports what is offered here when it is used: TensorFlow loads slowly."""
  if name == 'load_ticket':
    from tff_hidenseek.export import ticket  # pylint: disable=g-import-not-at-top

    return ticket.load_ticket
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
