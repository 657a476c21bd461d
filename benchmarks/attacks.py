r"""Attacks malicious clients, and the server's defences, on the digits.

python -m benchmarks.attacks --output_dir=runs/attacks \
    --results_json=docs/results/attacks_digits.json \
    --plot=docs/images/attacks_digits.png

Every algorithm, aggregation and seed is run with every attack and every number
of malicious clients, in one process: each client has a malicious twin, with the
same examples, that takes its place in a round. So a computation is built once
for all numbers of malicious clients. The runs are those of `binaries.train`
with --malicious_fraction, but for what twins draw. Stopped, it goes on.
"""

import collections
import itertools
import json
import os
import statistics
from typing import Any, Dict, Iterator, List, Sequence

from absl import flags
import attrs
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.commands import command_line
from tff_hidenseek.data import partitions
from tff_hidenseek.experiments import cohorts
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import plots
from tff_hidenseek.experiments import training_loop
from tff_hidenseek import files
from tff_hidenseek.learning import attacks
from tff_hidenseek.runtimes import in_process

_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'The folder of what each run has given.'
)
_RESULTS_JSON = flags.DEFINE_string(
    'results_json', None, 'The file for a row of each contender.'
)
_PLOT = flags.DEFINE_string('plot', None, 'The file for a picture of them.')
_SEEDS = flags.DEFINE_list('seeds', ['0', '1', '2'], 'Seeds.')

_EXPERIMENT = dict(
    dataset='digits',
    model='mlp',
    partition='iid',
    num_clients=20,
    clients_per_round=20,
    num_rounds=15,
    num_epochs=3,
    batch_size=10,
)
_CONTENDERS = [
    *(
        dict(algorithm='hidenseek', aggregation=name)
        for name in ('mean', 'trimmed', 'majority')
    ),
    *(
        dict(algorithm='fed_avg', aggregation=name)
        for name in ('mean', 'trimmed', 'median', 'clipped')
    ),
    dict(algorithm='fed_avg', aggregation='mean', attack_scale=1.0),
]
_ATTACKS = ('against', 'collude', 'random')
_FRACTIONS = (0.05, 0.1, 0.2, 0.4)
# The accuracy is the mean over the last rounds.
_NUM_AVERAGED_ROUNDS = 5


@attrs.frozen
class _Cell:
  """A contender under an attack of some clients; its name is its row's."""

  contender: Dict[str, Any]
  attack: str
  fraction: float

  @property
  def name(self) -> str:
    """As a sweep of `binaries.compare` would call it."""
    swept = {k: v for k, v in self.contender.items() if k != 'algorithm'}
    if self.fraction:
      swept['attack'] = self.attack
    swept['malicious_fraction'] = self.fraction
    words = [f'{name}={value}' for name, value in swept.items()]
    return ' '.join([self.contender['algorithm'], *words])


def _list_cells(contender: Dict[str, Any], attack: str) -> Iterator[_Cell]:
  if attack == _ATTACKS[0]:
    yield _Cell(contender, attack, 0.0)
  for fraction in _FRACTIONS:
    yield _Cell(contender, attack, fraction)


def _add_twins(
    federation: federation_lib.Federation,
) -> federation_lib.Federation:
  """Returns clients of which client i + n is the twin of client i < n."""
  own = federation.partition
  return federation_lib.Federation(
      federation.dataset,
      partitions.Partition(own.train_indices * 2, own.test_indices * 2),
      num_unseen_clients=0,
  )


def _run_all(seed: int, contender: Dict[str, Any], attack: str) -> None:
  """Runs a contender with every number of malicious clients."""
  cells = [
      cell for cell in _list_cells(contender, attack)
      if not os.path.exists(_path(cell, seed))
  ]
  if not cells:
    return
  tf.keras.backend.clear_session()
  tff.framework.set_default_context(
      in_process.create_in_process_context(client_threads=1)
  )
  config = config_lib.build_config(
      {**_EXPERIMENT, **contender, 'attack': attack, 'seed': seed}
  )
  federation = _add_twins(federation_lib.build_federation(config))
  clients = range(config.num_clients)
  algorithm = training_loop.build_algorithm(
      config,
      federation,
      attacks.Adversary(
          tuple(i + config.num_clients for i in clients),
          attack,
          config.attack_scale,
      ),
  )
  rounds = cohorts.Cohorts(algorithm, federation, config.num_clients)
  for cell in cells:
    malicious = attacks.draw_adversary(
        attrs.evolve(config, malicious_fraction=cell.fraction), clients, seed
    ).clients
    taking_part = [i + (i in malicious) * config.num_clients for i in clients]
    state = algorithm.process.initialize()
    accuracies, megabytes = [], collections.Counter()
    for round_num in range(1, config.num_rounds + 1):
      if rounds.can_run(len(taking_part)):
        output = rounds.train_round(state, taking_part)
      else:
        output = algorithm.process.next(
            state, [federation.train_data(i) for i in taking_part]
        )
      state = output.state
      for way in ('up', 'down'):
        megabytes[way] += int(output.metrics[f'bytes_{way}']) / 1e6
      if round_num > config.num_rounds - _NUM_AVERAGED_ROUNDS:
        counts = algorithm.evaluate(state, federation.test_shards)
        accuracies.append(counts['num_correct'] / counts['num_examples'])
    found = dict(accuracy=float(statistics.fmean(accuracies)), **megabytes)
    files.write_atomically(
        _path(cell, seed), json.dumps(found).encode()
    )
    print(f'{cell.name} seed {seed}: {found["accuracy"]:.4f}', flush=True)


def _path(cell: _Cell, seed: int) -> str:
  name = cell.name.replace(' ', ',')
  return os.path.join(_OUTPUT_DIR.value, f'{name}.seed{seed}.json')


def _make_row(cell: _Cell, seeds: Sequence[int]) -> Dict[str, Any]:
  """Returns a row like those of `binaries.compare`."""
  found: List[Dict[str, float]] = []
  for seed in seeds:
    if os.path.exists(_path(cell, seed)):
      with open(_path(cell, seed), encoding='utf-8') as file:
        found.append(json.load(file))
  accuracies = [each['accuracy'] for each in found]
  unmeasured = (
      'personal_accuracy_mean',
      'personal_accuracy_std',
      'personal_accuracy_worst_decile',
      'unseen_personal_accuracy_mean',
      'bits_per_weight_up',
      'megabytes_to_target',
      'seconds_to_target',
  )
  return dict(
      algorithm=cell.name,
      dataset=_EXPERIMENT['dataset'],
      partition=_EXPERIMENT['partition'],
      seeds=len(found),
      rounds=_EXPERIMENT['num_rounds'],
      global_accuracy_mean=statistics.fmean(accuracies),
      global_accuracy_std=(
          statistics.stdev(accuracies) if len(found) > 1 else None
      ),
      megabytes_up=statistics.fmean(each['up'] for each in found),
      megabytes_down=statistics.fmean(each['down'] for each in found),
      **dict.fromkeys(unmeasured),
  )


def _plot(path: str, seeds: Sequence[int]) -> None:
  """Plots the accuracy over the malicious fraction, axes for each attack."""
  canvas, all_axes = plots.new_figure(13, 4.2, len(_ATTACKS))
  for axes, attack in zip(all_axes, _ATTACKS):
    for contender in _CONTENDERS:
      words = [str(value) for value in contender.values()]
      if 'attack_scale' in contender:
        words[-1] = '(as large as honest)'
      cells = [
          _Cell(contender, attack, fraction) for fraction in (0.0, *_FRACTIONS)
      ]
      axes.plot(
          [100 * cell.fraction for cell in cells],
          [_make_row(cell, seeds)['global_accuracy_mean'] for cell in cells],
          label=' '.join(words),
          marker='o',
          markersize=3,
          linestyle='-' if contender['algorithm'] == 'hidenseek' else '--',
      )
    axes.set(title=attack, xlabel='malicious clients, %', ylim=(0, 1))
    axes.grid(alpha=0.3)
  all_axes[0].set_ylabel('global test accuracy')
  all_axes[-1].legend(frameon=False, fontsize=8, loc='lower left')
  canvas.savefig(path, dpi=100)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
  seeds = [int(seed) for seed in _SEEDS.value]
  os.makedirs(_OUTPUT_DIR.value, exist_ok=True)
  pairs = list(itertools.product(_CONTENDERS, _ATTACKS))
  for attack, seed, contender in itertools.product(
      _ATTACKS, seeds, _CONTENDERS
  ):
    _run_all(seed, contender, attack)
  if _RESULTS_JSON.value:
    files.write_rows(
        _RESULTS_JSON.value,
        [
            _make_row(cell, seeds)
            for contender, attack in pairs
            for cell in _list_cells(contender, attack)
        ],
    )
  if _PLOT.value:
    _plot(_PLOT.value, seeds)


if __name__ == '__main__':
  flags.mark_flag_as_required('output_dir')
  command_line.run(main)
