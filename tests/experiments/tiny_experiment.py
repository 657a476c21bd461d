"""Experiments of a second: the linear model, the digits, four clients."""

import functools

import attrs
import tensorflow_federated as tff

from tff_hidenseek.algorithms import registry
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.experiments import training_run
from tff_hidenseek.runtimes import contexts

_VALUES = dict(
    model='linear',
    num_clients=4,
    num_unseen_clients=1,
    clients_per_round=2,
    max_examples_per_client=30,
    num_rounds=2,
    rounds_per_personal_evaluation=1,
    rounds_per_checkpoint=1,
    batch_size=10,
)
# Where an algorithm has such an option.
_ALGORITHM_VALUES = dict(pruning_iterations=5)


def set_context() -> None:
  """Makes one context the default; it keeps what it has compiled."""
  tff.framework.set_default_context(_create_context())


@functools.lru_cache(maxsize=None)
def _create_context():
  return contexts.RUNTIMES['in_process'](
      contexts.RuntimeOptions(client_threads=2)
  )


def make_config(
    algorithm='hidenseek', **changes
) -> config_lib.ExperimentConfig:
  """Makes a config that differs from the tiny one in the values given."""
  options = attrs.fields_dict(registry.ALGORITHMS[algorithm].options_class)
  values = {k: v for k, v in _ALGORITHM_VALUES.items() if k in options}
  return config_lib.build_config(
      {**_VALUES, **values, 'algorithm': algorithm, **changes}
  )


@functools.lru_cache(maxsize=None)
def build_federation(**changes) -> federation_lib.Federation:
  """Returns the federation of a config; tests share them."""
  return federation_lib.build_federation(make_config(**changes))


def start_run(config) -> training_run.TrainingRun:
  """Returns a run before its first round; tests share its algorithm."""
  decisive = attrs.evolve(
      make_config(),
      algorithm=config.algorithm,
      options=config.options,
      model=config.model,
      seed=config.seed,
      malicious_fraction=config.malicious_fraction,
      attack=config.attack,
      attack_scale=config.attack_scale,
  )
  return training_run.TrainingRun(
      config, _build_algorithm(decisive), build_federation()
  )


@functools.lru_cache(maxsize=None)
def _build_algorithm(config):
  return training_loop.build_algorithm(config, build_federation())
