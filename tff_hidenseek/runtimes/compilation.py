"""The form of a TFF computation that the runtimes execute."""

import tensorflow_federated as tff


def replace_secure_sums(
    computation: tff.framework.ConcreteComputation,
) -> tff.framework.ConcreteComputation:
  """Replaces secure sums by plain ones: a simulation has nobody to hide from.

  Args:
    computation: The computation.

  Returns:
    The same computation with every `tff.federated_secure_sum*` computed in the
    clear, range checks and clipping included.
  """
  return tff.backends.test.replace_secure_intrinsics_with_bodies(computation)


def compile_to_native(
    computation: tff.framework.ConcreteComputation,
) -> tff.framework.ConcreteComputation:
  """Compiles a computation to calls of intrinsics and TensorFlow graphs.

  Args:
    computation: The computation.

  Returns:
    A computation in TFF's native form, secure sums computed in the clear.
  """
  return tff.backends.native.desugar_and_transform_to_native(
      replace_secure_sums(computation)
  )
