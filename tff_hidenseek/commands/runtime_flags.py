"""Flags of how a command runs, never of what an experiment gives."""

from typing import Any, Dict, List

from absl import flags
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.runtimes import contexts

_OPTIONS = contexts.RuntimeOptions()


def define_runtime_flags() -> None:
  """Defines the flags."""
  flags.DEFINE_enum(
      'runtime',
      'in_process',
      list(contexts.RUNTIMES),
      'Where clients train: in_process is this program, and alone uses GPUs; '
      'worker is TFF\'s own runtime, a second program on this machine; cluster '
      'is such programs on any machines (see --workers).',
  )
  flags.DEFINE_integer(
      'client_threads',
      None,
      'Clients trained at a time (in_process); default: the number of cores, '
      'or four for each GPU.',
      lower_bound=1,
  )
  flags.DEFINE_integer(
      'cohort_size',
      0,
      'Clients that one program trains, one after another: many small clients '
      'are trained faster so; 0 is chosen by the number of clients and of '
      'weights (1 on a GPU), 1 is a program a client.',
      lower_bound=0,
      upper_bound=2**31 - 1,
  )
  flags.DEFINE_list(
      'client_devices',
      None,
      'Devices that train clients (in_process), such as GPU:0,GPU:1; default: '
      'all GPUs, else the CPU.',
  )
  flags.DEFINE_list(
      'workers',
      [],
      'Addresses, as host:port,host:port, of the programs `python -m '
      'binaries.worker` that train clients (cluster).',
  )
  flags.DEFINE_float(
      'worker_timeout',
      _OPTIONS.worker_timeout,
      'Seconds a worker may take to start (worker); seconds without an answer '
      'after which its clients move to another worker, and without any worker '
      'that answers after which the run stops (cluster).',
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


def find_cohort_options() -> Dict[str, Any]:
  """Returns the arguments of a `TrainingRun` about its cohorts."""
  values = flags.FLAGS
  # Cohorts have not been measured on a GPU.
  has_gpu = bool(tf.config.list_logical_devices('GPU'))
  return dict(
      cohort_size=values.cohort_size or int(has_gpu),
      copies_examples=has_gpu or values.runtime != 'in_process',
  )


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
