"""Flags of where and how fast TFF's computations run, never of what they give."""

from absl import flags
import tensorflow_federated as tff

from tff_hidenseek.experiments import runtimes


def define_runtime_flags() -> None:
  """Defines the flags."""
  flags.DEFINE_enum(
      'runtime',
      'in_process',
      list(runtimes.RUNTIMES),
      'What executes the federated computations.',
  )
  flags.DEFINE_integer(
      'client_threads',
      None,
      'Clients trained at a time (in_process); default: the number of cores.',
      lower_bound=1,
  )


def set_runtime() -> None:
  """Makes the chosen runtime TFF's default context."""
  options = runtimes.RuntimeOptions(client_threads=flags.FLAGS.client_threads)
  tff.framework.set_default_context(
      runtimes.RUNTIMES[flags.FLAGS.runtime](options)
  )
