"""What devices can train, of all that a simulation can."""

import attrs

# What a device does not do, or does only in one way.
_REQUIRED = {
    'client_optimizer': 'sgd',
    'broadcast': 'tally',
    'votes': 'signs',
    'weight_by_examples': False,
    'class_prior': False,
    'private_layers': '',
    'layer_rates': 'equal',
    'aggregation': 'mean',
    'votes_per_round': 0,
    'vote_epsilon': 0.0,
    'noise_multiplier': 0.0,
    'target_epsilon': 0.0,
    'secure_sum': False,
}
# What changes nothing that a device does, or what it is told.
_FREE = frozenset([
    'density',
    'pruning',
    'pruning_iterations',
    'kernel_distribution',
    'kernel_gain',
    'vote_range',
    'server_learning_rate',
    'averaging_power',
    'personal_step',
    'client_learning_rate',
    'client_momentum',
    'num_epochs',
    'batch_size',
])
# What a simulation draws, and real devices do.
_SIMULATED = (
    'dropout_rate',
    'straggler_rate',
    'round_timeout',
    'over_selection',
    'malicious_fraction',
)


def check_config(config) -> None:
  """Raises `ValueError` if devices cannot do what an experiment asks for.

  Args:
    config: The `ExperimentConfig`.
  """
  if config.algorithm != 'hidenseek':
    raise ValueError(
        f'`algorithm` must be hidenseek on devices, found {config.algorithm}.'
    )
  for field in attrs.fields(type(config.options)):
    found = getattr(config.options, field.name)
    # An option that is new is refused until somebody lists it.
    wanted = _REQUIRED.get(field.name, field.default)
    if found != wanted and field.name not in _FREE:
      raise ValueError(
          f'`{field.name}` must be {wanted!r} on devices, found {found!r}.'
      )
  for name in _SIMULATED:
    if getattr(config, name):
      raise ValueError(
          f'`{name}` must be 0 on devices, found {getattr(config, name)!r}: it '
          'is simulated.'
      )
  if config.clients_per_round != config.num_clients:
    raise ValueError(
        '`clients_per_round` must be `num_clients` on devices, found '
        f'{config.clients_per_round} and {config.num_clients}.'
    )
