r"""Trains HideNseek on devices: every client is a TFLite interpreter.

Clients speak HTTP to this server (docs/on_device.md). For a try-out it starts
its own, `binaries.device_client`, each a process without TensorFlow. The flags
are those of `binaries.train`: the same flag file simulates the same training.

python -m binaries.device_server \
    --flagfile=configs/hidenseek.digits.device.flags --output_dir=runs/devices

With --web a browser takes part, at the link that is printed.
"""

import asyncio
import contextlib
import functools
import sys

from absl import flags
import numpy as np

from tff_hidenseek.commands import command_line
from tff_hidenseek.commands import device_server_flags
from tff_hidenseek.commands import experiment_flags
from tff_hidenseek.commands import runtime_flags
from tff_hidenseek.experiments import export_source
from tff_hidenseek.experiments import federation as federation_lib
from tff_hidenseek.experiments import run_data
from tff_hidenseek.experiments import run_folder
from tff_hidenseek.experiments import run_lock
from tff_hidenseek.experiments import training_loop
from tff_hidenseek.export import exports
from tff_hidenseek.on_device import capabilities
from tff_hidenseek.on_device import client_processes
from tff_hidenseek.on_device import federation as device_federation
from tff_hidenseek.on_device import learner as learner_lib
from tff_hidenseek.on_device.web import litert_files
from tff_hidenseek.on_device.web import opening as web_opening

experiment_flags.define_experiment_flags()
runtime_flags.define_runtime_flags()
device_server_flags.define_device_server_flags()
# So that --help shows these too.
flags.adopt_module_key_flags(experiment_flags)
flags.adopt_module_key_flags(runtime_flags)
flags.adopt_module_key_flags(device_server_flags)
_OUTPUT_DIR = flags.DEFINE_string(
    'output_dir', None, 'A folder for the model, the rounds and the reports.'
)
_RESUME = flags.DEFINE_bool(
    'resume', False, 'Go on with the federation in --output_dir.'
)
_START_CLIENTS = flags.DEFINE_bool(
    'start_clients',
    True,
    'Start a process for each client, with the data set\'s examples. Without, '
    'clients come from elsewhere and bring their own.',
)

_CLIENT_COMMAND = (sys.executable, '-m', 'binaries.device_client')
# How long clients have to hear that the last round is over, and then to end.
_SECONDS_TO_TELL = 30.0


def _say(sentence):
  print(sentence, flush=True)


def _num_processes(config):
  """Returns how many clients this program starts."""
  if not _START_CLIENTS.value:
    return 0
  num_pages = flags.FLAGS.web_clients if flags.FLAGS.web else 0
  return config.num_clients - num_pages


def _read_shard(federation, index):
  data = federation.train_data(index)
  return data['x'].numpy(), data['y'].numpy()


def _make_source(federation, config, model):
  """Returns what `binaries.export` would export a global model from."""
  return export_source.make_source(
      config,
      model,
      federation.dataset.train_x[: export_source.CALIBRATION_EXAMPLES],
      'embedded',
      federation.dataset.class_names,
  )


@contextlib.contextmanager
def _start_clients(federation, config, certificate, port):
  """Starts a client for each place that is for a process; yields them."""
  num_processes = _num_processes(config)
  if not num_processes:
    yield []
    return
  folder = _OUTPUT_DIR.value
  arguments = device_server_flags.client_arguments(folder, port, certificate)
  with client_processes.start(
      [*_CLIENT_COMMAND, *arguments],
      [federation.train_data(i) for i in range(num_processes)],
      folder,
      config.seed,
  ) as processes:
    yield processes


async def _serve(devices, tls, site, start_clients):
  """Serves all rounds.

  Args:
    devices: The federation.
    tls: What TLS needs, or `None`.
    site: The pages, or `None`.
    start_clients: Starts the clients of this machine, for a port.
  """
  host, port = flags.FLAGS.host, flags.FLAGS.port
  async with devices.serve(host, port, tls, site) as port:
    url = device_server_flags.server_url(port, bool(tls))
    _say(f'listening at {url}')
    if site:
      link = device_server_flags.page_address(devices.settings, url)
      _say(f'open {link} to take part, {url}/dashboard to look on')
    with start_clients(port) as processes:
      # The others, if there are any, come from elsewhere.
      rules = devices.settings.rules
      num_others = rules.num_clients - len(processes)
      await devices.wait_until_over(
          _SECONDS_TO_TELL,
          lambda: client_processes.check_enough(
              processes, rules.quorum - num_others
          ),
      )
      for process in processes:
        _say(_describe(process))
    if site:
      await site.close()


def _describe(process):
  """Says what training cost a client that the server started."""
  report = process.read_report(_SECONDS_TO_TELL)
  if report is None:
    return (
        f'client {process.index} ended with exit status {process.exit_status}'
    )
  return (
      f'client {process.index}: {report["steps"]} steps of '
      f'{report["median_step_ms"]:.2f} ms, peak '
      f'{report["peak_memory_mib"]:.0f} MiB, '
      f'{"with" if report["has_tensorflow"] else "without"} TensorFlow'
  )


def _train(config, federation):
  """Trains in the folder, which nobody else writes to; returns the model."""
  folder = _OUTPUT_DIR.value
  run_folder.check(folder, config, _RESUME.value)
  run_data.check(folder, federation, flags.FLAGS.allow_changed_data)
  run_folder.prepare(folder, config)
  run_data.write(folder, federation)
  settings = device_server_flags.make_settings(config, folder)
  tls, certificate = device_server_flags.make_tls(folder)
  learner = learner_lib.HideNseekLearner(
      config.options, training_loop.build_algorithm(config, federation)
  )
  model = learner_lib.write_trainable(
      learner, config.options.batch_size, folder
  )
  watch = (
      web_opening.open_watch(
          folder,
          learner,
          model,
          federation.dataset.test_x,
          federation.dataset.test_y,
      )
      if flags.FLAGS.web
      else None
  )

  def hear(result):
    _say(result.sentence)
    if watch:
      watch.add(result)

  devices = device_federation.Federation(
      folder, learner, learner.num_votes, model, settings, hear
  )
  site = watch and web_opening.open_site(
      folder,
      watch,
      devices,
      learner,
      lambda index: _read_shard(federation, index),
      range(_num_processes(config), config.num_clients),
      functools.partial(_make_source, federation, config),
      exports.choose_gate_images(
          federation.dataset.test_x, federation.dataset.train_x
      ),
  )
  asyncio.run(
      _serve(
          devices,
          tls,
          site,
          functools.partial(_start_clients, federation, config, certificate),
      )
  )
  model = learner.build_global_model()
  run_folder.save_final_model(folder, model)
  return model


def main(argv):
  with command_line.user_errors():
    command_line.start(argv)
    config = experiment_flags.config_from_flags()
    capabilities.check_config(config)
    device_server_flags.check_tls()
    device_server_flags.check_web(config)
    if flags.FLAGS.web:
      litert_files.check()
    runtime_flags.set_runtime()
    federation = federation_lib.build_federation(config)
    with run_lock.hold(_OUTPUT_DIR.value):
      model = _train(config, federation)
  logits = model.predict(federation.dataset.test_x, verbose=0)
  accuracy = np.mean(logits.argmax(axis=-1) == federation.dataset.test_y)
  print(f'global accuracy {accuracy:.4f}')


def run():
  flags.mark_flag_as_required('output_dir')
  command_line.run(
      main, 'Stopped. Every vote that was taken is kept: add --resume.'
  )


if __name__ == '__main__':
  run()
