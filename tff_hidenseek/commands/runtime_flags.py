"""Flags of how a command runs, never of what an experiment gives."""

from typing import Any, Dict, List

from absl import flags
import tensorflow as tf
import tensorflow_federated as tff

from tff_hidenseek.experiments import cohorts
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
      'Clients that one program trains: many small clients are trained faster '
      'so; 0 is chosen by the number of clients and of weights, 1 is a program '
      'a client.',
      lower_bound=0,
      upper_bound=2**31 - 1,
  )
  flags.DEFINE_enum(
      'cohort_training',
      'auto',
      list(cohorts.TRAININGS),
      'How the clients of a cohort train: in_turn is one after another; '
      'at_once is all at once, a step of all being one set of kernels, which '
      'suits a GPU; compiled is that through XLA; auto is at_once on a GPU.',
  )
  flags.DEFINE_bool(
      'tensor_float_32',
      True,
      'Whether a GPU that can multiplies float32 with 10 bits of the mantissa, '
      'several times faster.',
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
  gpus = []
  if values.runtime == 'in_process':
    gpus = [device.name for device in tf.config.list_logical_devices('GPU')]
    if values.client_devices is not None:
      gpus = [name for name in values.client_devices if 'GPU' in name]
  return dict(
      cohort_size=values.cohort_size or int(len(gpus) > 1),
      copies_examples=bool(gpus) or values.runtime != 'in_process',
      cohort_training=values.cohort_training,
      cohort_device=gpus[0] if len(gpus) == 1 else None,
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
  tf.config.experimental.enable_tensor_float_32_execution(
      values.tensor_float_32
  )
  options = contexts.RuntimeOptions(
      client_threads=values.client_threads,
      client_devices=values.client_devices,
      workers=values.workers,
      worker_timeout=values.worker_timeout,
  )
  tff.framework.set_default_context(contexts.RUNTIMES[values.runtime](options))
