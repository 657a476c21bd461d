"""Writes the clients of an experiment as files, on a host that runs a worker.

python -m binaries.write_clients \
    --flagfile=configs/hidenseek.mnist.pooled_cnn.flags \
    --data_dir=$HOME/data --client_dir=/var/tmp/clients
"""

from absl import flags

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.experiments import federation as federation_lib

experiment_flags.define_experiment_flags()
_CLIENT_DIR = flags.DEFINE_string(
    'client_dir', None, 'The folder of all experiments\' clients on this host.'
)


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_flags()
    federation = federation_lib.build_federation(config)
    folder = federation_lib.client_folder(_CLIENT_DIR.value, federation)
    federation_lib.FederationOfFiles(federation).write(folder)
  print(f'{config.num_clients} clients written to {folder}.')


def run():
  flags.mark_flag_as_required('client_dir')
  command_line.run(main)


if __name__ == '__main__':
  run()
