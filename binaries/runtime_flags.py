"""Flags of how a command runs, never of what an experiment gives."""

from typing import List

from absl import flags
import tensorflow_federated as tff

from tff_hidenseek.runtimes import contexts

_OPTIONS = contexts.RuntimeOptions()


def define_runtime_flags() -> None:
  """Defines the flags."""
  flags.DEFINE_enum(
      'runtime',
      'in_process',
      list(contexts.RUNTIMES),
      'What executes the federated computations: this process, TFF\'s worker '
      'on this machine, or workers on a cluster of hosts.',
  )
  flags.DEFINE_integer(
      'client_threads',
      None,
      'Clients trained at a time (in_process); default: the number of cores, '
      'or four for each GPU.',
      lower_bound=1,
  )
  flags.DEFINE_list(
      'client_devices',
      None,
      'Devices that train clients (in_process), such as GPU:0,GPU:1; default: '
      'all GPUs, else the CPU.',
  )
  flags.DEFINE_list(
      'workers', [], 'Addresses host:port of the workers (cluster).'
  )
  flags.DEFINE_float(
      'worker_timeout',
      _OPTIONS.worker_timeout,
      'Seconds without an answer after which a worker counts as dead, and '
      'without a live worker after which the run ends (worker, cluster).',
  )
  flags.DEFINE_bool(
      'allow_changed_data',
      False,
      'Take other data than the run in the folder was trained on.',
  )


def given_arguments() -> List[str]:
  """Returns the flags that are given, as another command takes them."""
  defined = flags.FLAGS.flags_by_module_dict()[__name__]
  return [flag.serialize() for flag in defined if flag.present]


def set_runtime() -> None:
  """Makes the chosen runtime TFF's default context.

  Raises:
    ValueError: If a flag does not fit the runtime.
  """
  values = flags.FLAGS
  if values.workers and values.runtime != 'cluster':
    raise ValueError(
        '`workers` must come with --runtime=cluster, found '
        f'--runtime={values.runtime}.'
    )
  options = contexts.RuntimeOptions(
      client_threads=values.client_threads,
      client_devices=values.client_devices,
      workers=values.workers,
      worker_timeout=values.worker_timeout,
  )
  tff.framework.set_default_context(contexts.RUNTIMES[values.runtime](options))
