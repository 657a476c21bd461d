r"""Writes, draws and checks partition files: who has which examples.

python -m binaries.partition --dataset=digits --partition=shards \
    --num_clients=20 --output=shards.npz --plot=shards.png
python -m binaries.partition --dataset=digits --check=shards.npz

The flags are those of `binaries.train`, which divides data in the same way, or
takes such a file as its --partition_file. docs/data.md describes the format.
"""

from absl import flags
import numpy as np

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.data import datasets
from tff_hidenseek.data import partition_files
from tff_hidenseek.experiments import config as config_lib
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import plots

experiment_flags.define_experiment_flags()
# So that --help shows these too.
flags.adopt_module_key_flags(experiment_flags)
_OUTPUT = flags.DEFINE_string('output', None, 'The partition file to write.')
_PLOT = flags.DEFINE_string(
    'plot', None, 'The PNG file to draw each client\'s classes in.'
)
_CHECK = flags.DEFINE_string(
    'check', None, 'The partition file to check, instead of dividing anew.'
)


def _build_federation(config) -> federation_lib.Federation:
  """Divides the data as the config says, or as the file to check does."""
  if not _CHECK.value:
    return federation_lib.build_federation(config)
  dataset = datasets.load_dataset(config.dataset, config.data_dir or None)
  partition = partition_files.load_partition(
      _CHECK.value, len(dataset.train_y)
  )
  return federation_lib.Federation(dataset, partition, num_unseen_clients=0)


def _describe(federation: federation_lib.Federation) -> str:
  """Returns what the clients have, from the least to the most."""
  partition = federation.partition
  ranges = {
      'training examples': [len(i) for i in partition.train_indices],
      'test examples': [len(i) for i in partition.test_indices],
      'classes': np.count_nonzero(federation.label_counts(), axis=1),
  }
  num_used = sum(len(i) for i in partition.train_indices)
  num_used += sum(len(i) for i in partition.test_indices)
  lines = [f'{partition.num_clients} clients, each with']
  lines += [f'  {min(n)} to {max(n)} {what}' for what, n in ranges.items()]
  lines.append(
      f'{num_used} of {len(federation.dataset.train_y)} training examples are '
      'used.'
  )
  return '\n'.join(lines)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    if not (_OUTPUT.value or _PLOT.value or _CHECK.value):
      raise ValueError(
          '`output`, `plot` or `check` must be a file, found none of them.'
      )
    if _OUTPUT.value and _CHECK.value:
      raise ValueError('`output` must not come with `check`, found both.')
    config = config_lib.build_config(
        # Whatever it is, it does not matter here.
        {**experiment_flags.given_values(), 'clients_per_round': 1}
    )
    if config.validation_fraction:
      raise ValueError(
          '`validation_fraction` must be 0 in a partition, from which every '
          f'run holds out its own, found {config.validation_fraction}.'
      )
    federation = _build_federation(config)
    if _OUTPUT.value:
      partition_files.save_partition(_OUTPUT.value, federation.partition)
    if _PLOT.value:
      plots.plot_label_counts(_PLOT.value, federation.label_counts())
  print(_describe(federation))


def run():
  command_line.run(main)


if __name__ == '__main__':
  run()
